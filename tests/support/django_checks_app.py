"""An application that answers with what the system checks say under the server that it runs on."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from django.core import checks
from django.test import override_settings

from pixelmw.delivery import Background
from tests.support import django_site

django_site.configure()

if "PIXELMW_TEST_HAS_THREADS" in os.environ:
    import uwsgi

    uwsgi.has_threads = int(os.environ["PIXELMW_TEST_HAS_THREADS"])


class BackgroundSink(Background):
    """A class that needs no arguments, as a setting may name one."""

    def __init__(self) -> None:
        super().__init__(print)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    with override_settings(PIXELMW={"SINK": f"{__name__}.BackgroundSink"}):
        said = [f"{message.id} {message.msg}" for message in checks.run_checks(tags=["pixelmw"])]
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [repr(said).encode()]
