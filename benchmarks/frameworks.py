"""The shells for Django and Flask, each as a WSGI application, and the same projects with an empty view."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import django
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.urls import path
from flask import Flask

from pixelmw.contrib.flask import Pixels
from pixelmw.replies import GIF

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def home(request: HttpRequest) -> HttpResponse:
    """An empty page."""
    return HttpResponse()


def image(request: HttpRequest) -> HttpResponse:
    """The image, and nothing else."""
    return HttpResponse(GIF, content_type="image/gif")


urlpatterns = [path("", home), path("image", image)]


def store(event: dict[str, Any]) -> None:
    """Store nothing."""


def configure_django() -> None:
    """Make this module the project of the process, once."""
    if not settings.configured:
        settings.configure(
            ROOT_URLCONF=__name__,
            ALLOWED_HOSTS=["*"],
            SECRET_KEY="benchmark",
            MIDDLEWARE=[],
            PIXELMW={"SINK": store},
            USE_TZ=True,
        )
        django.setup()


def flask_extension() -> Application:
    """A Flask application with the extension."""
    app = Flask(__name__)
    Pixels(app, sink=store)
    return app.wsgi_app


def django_wsgi(*, pixels: bool) -> Application:
    """The Django project under WSGI, with or without the middleware."""
    return _with_middleware(WSGIHandler, pixels)  # type: ignore[no-any-return]


def django_asgi(*, pixels: bool) -> Application:
    """The same under ASGI; each request goes through one event loop, which stays."""
    app, loop = _with_middleware(ASGIHandler, pixels), asyncio.new_event_loop()

    def wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start, *rest = loop.run_until_complete(_exchange(app, _scope_of(environ)))
        start_response(f"{start['status']} ", [(name.decode(), value.decode()) for name, value in start["headers"]])
        return [message.get("body", b"") for message in rest]

    return wsgi


def _with_middleware(handler: Callable[[], Any], pixels: bool) -> Any:
    configure_django()
    settings.MIDDLEWARE = ["pixelmw.contrib.django.PixelMiddleware"] if pixels else []
    try:
        return handler()
    finally:
        settings.MIDDLEWARE = []


def _scope_of(environ: dict[str, Any]) -> dict[str, Any]:
    headers = [
        (name[5:].replace("_", "-").lower().encode(), value.encode("latin-1"))
        for name, value in environ.items()
        if name.startswith("HTTP_")
    ]
    return {
        "type": "http",
        "method": environ["REQUEST_METHOD"],
        "scheme": "http",
        "path": environ["PATH_INFO"],
        "query_string": environ["QUERY_STRING"].encode("latin-1"),
        "headers": headers,
        "client": (environ["REMOTE_ADDR"], 5000),
        "server": ("localhost", 80),
    }


async def _exchange(app: Any, scope: dict[str, Any]) -> list[dict[str, Any]]:
    messages = [{"type": "http.request", "body": b"", "more_body": False}]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop()
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent
