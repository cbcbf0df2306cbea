"""Under ASGI: whoever stands above and below, and a client that goes away before it is answered."""

# Django comes without types.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from asgiref.sync import iscoroutinefunction
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.test import AsyncRequestFactory, RequestFactory, override_settings
from django.utils.decorators import async_only_middleware, sync_and_async_middleware, sync_only_middleware
from werkzeug.test import create_environ, run_wsgi_app

from pixelmw import Event
from pixelmw.contrib.django import PixelMiddleware
from pixelmw.replies import GIF
from tests.support import django_site
from tests.support.asgi import as_wsgi, scope_of

TRACK = "/pixel/v1/track?writeKey=k&anonymousId=a&event=e"
Handler = Callable[[HttpRequest], Any]


@sync_only_middleware
def sync_only(get_response: Handler) -> Handler:
    return lambda request: get_response(request)


@async_only_middleware
def async_only(get_response: Handler) -> Callable[[HttpRequest], Awaitable[HttpResponse]]:
    async def middleware(request: HttpRequest) -> HttpResponse:
        response: HttpResponse = await get_response(request)
        return response

    return middleware


@sync_and_async_middleware
def either(get_response: Handler) -> Handler:
    chosen: Handler = (async_only if iscoroutinefunction(get_response) else sync_only)(get_response)
    return chosen


@pytest.mark.parametrize("interface", ["WSGI", "ASGI"])
@pytest.mark.parametrize("below", [sync_only, async_only, either], ids=lambda each: each.__name__)
@pytest.mark.parametrize("above", [sync_only, async_only, either], ids=lambda each: each.__name__)
def test_any_middleware_may_stand_around_it(above: Handler, below: Handler, interface: str) -> None:
    """https://github.com/Archmonger/ServeStatic/pull/19: it broke between synchronous ones."""
    events: list[Event] = []
    names = [f"{__name__}.{above.__name__}", django_site.MIDDLEWARE, f"{__name__}.{below.__name__}"]
    with override_settings(MIDDLEWARE=names, PIXELMW={"SINK": events.append}):
        app = WSGIHandler() if interface == "WSGI" else as_wsgi(ASGIHandler())
        for target, start in ((TRACK, GIF), ("/else", b"the host application")):
            body, status, _ = run_wsgi_app(app, create_environ(target), buffered=True)
            assert (status, b"".join(body)[: len(start)]) == ("200 OK", start)
    assert len(events) == 1


def test_it_may_be_called_with_djangos_request_factories() -> None:
    events: list[Event] = []

    async def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse("the view")

    with override_settings(PIXELMW={"SINK": events.append}):
        answers = [PixelMiddleware(lambda request: HttpResponse())(RequestFactory().get(TRACK))]
        answers.append(asyncio.run(PixelMiddleware(view)(AsyncRequestFactory().get(TRACK))))
    assert [answer.content for answer in answers] == [GIF, GIF]
    assert len(events) == 2


def test_what_a_client_has_sent_is_stored_though_it_goes_away(caplog: pytest.LogCaptureFixture) -> None:
    """Django cancels its request then, while the sink is at work in a thread."""
    events: list[Event] = []
    started, gone = threading.Event(), threading.Event()

    def sink(event: Event) -> None:
        started.set()
        assert gone.wait(10)
        events.append(event)

    async def visit() -> None:
        messages = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> dict[str, Any]:
            if messages:
                return messages.pop()
            await asyncio.to_thread(started.wait, 10)
            asyncio.get_running_loop().call_later(0.05, gone.set)
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            """Nobody is there."""

        await ASGIHandler()(scope_of(create_environ(TRACK)), receive, send)

    setting = {"SINK": sink}
    with override_settings(MIDDLEWARE=[django_site.MIDDLEWARE], PIXELMW=setting), caplog.at_level(logging.WARNING):
        asyncio.run(visit())
    assert len(events) == 1
    assert not [record for record in caplog.records if record.name.startswith("pixelmw")]
