"""The first request of any page starts the sink of a Django site, in a thread of its own under ASGI."""

# Django comes without types.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

import asyncio
import threading

import pytest
from django.core.handlers.asgi import ASGIHandler
from django.test import Client, override_settings
from werkzeug.test import create_environ, run_wsgi_app

from pixelmw import Event
from tests.support import django_site
from tests.support.asgi import as_wsgi


class Startable:
    """A sink that notes in which threads it was started."""

    def __init__(self) -> None:
        self.started: list[threading.Thread] = []
        self.has_loop: list[bool] = []

    def __call__(self, event: Event) -> None:
        pass

    def start(self) -> None:
        self.started.append(threading.current_thread())
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            self.has_loop.append(False)
        else:
            self.has_loop.append(True)


@pytest.mark.parametrize("interface", ["WSGI", "ASGI"])
def test_the_first_request_of_any_page_starts_the_sink_and_later_ones_do_not(interface: str) -> None:
    sink = Startable()
    with override_settings(MIDDLEWARE=[django_site.MIDDLEWARE], PIXELMW={"SINK": sink}):
        if interface == "WSGI":
            client = Client()
            for _ in range(3):
                client.get("/nothing/of/ours")
        else:
            application = as_wsgi(ASGIHandler())
            for _ in range(3):
                run_wsgi_app(application, create_environ("/nothing/of/ours"))
    assert len(sink.started) == 1
    assert sink.has_loop == [False]
