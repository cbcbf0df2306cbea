"""What a user would write instead of pixelmw, each as a WSGI application that does the same work.

The same work: a nested event, the defaults, numbers for the screen sizes, the
address and the headers in the context, validation against the page schema, a
sink that does nothing, the GIF. No limits, no lists, no conflicts, no escapes,
no write keys but presence, no words for a refusal.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import frameworks
import jsonschema
from jsonschema import Draft202012Validator

from pixelmw import PixelMiddleware
from pixelmw.replies import GIF
from pixelmw.schema import bundled_schema

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

HEADERS = {
    "Cache-Control": "no-store, no-cache, must-revalidate, private, max-age=0",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
    "Access-Control-Allow-Origin": "*",
}

_common, _page = bundled_schema("common"), bundled_schema("page")
#: The bundled page schema in one piece, as one would write it for one's own view: no $ref to follow.
PAGE_SCHEMA = {**_common, "$id": "urn:example:page", "properties": _common["properties"] | _page["properties"]}


def sink(event: dict[str, Any]) -> None:
    """Store nothing."""


def make_event(
    parameters: Iterable[tuple[str, str]], address: str, agent: str, referrer: str, numbers: Iterable[str] = ()
) -> dict[str, Any]:
    """The event of a page request, written by hand; the properties in *numbers* become numbers."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    event: dict[str, Any] = {"channel": "web", "messageId": str(uuid.uuid4()), "originalTimestamp": now, "sentAt": now}
    for name, value in parameters:
        *parents, last = name.split(".")
        node = event
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = value
    del event["writeKey"]
    event |= {"type": "page", "integrations": {"All": True}, "receivedAt": now}
    if "anonymousId" in event:
        event["anonymousId"] = event["anonymousId"].strip('"')
    event["name"] = event.get("name") or "Unknown Page"
    context = event.setdefault("context", {})
    context["ip"] = address
    context.setdefault("userAgent", agent)
    context.setdefault("page", {}).setdefault("url", referrer)
    screen = context.get("screen", {})
    for name in ("width", "height"):
        if screen.get(name, "").isdecimal():
            screen[name] = int(screen[name])
    properties = event.get("properties", {})
    for name in numbers:
        with suppress(KeyError, ValueError):
            properties[name] = float(properties[name]) if "." in properties[name] else int(properties[name])
    return event


def floor() -> Application:
    """The physical floor: a function that returns a constant."""
    headers = [("Content-Type", "image/gif"), ("Content-Length", str(len(GIF))), *HEADERS.items()]

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", list(headers))
        return [GIF]

    return app


def _flask_app(is_valid: Callable[[dict[str, Any]], bool], numbers: Iterable[str] = ()) -> Application:
    from flask import Flask, Response, request

    app = Flask(__name__)

    @app.get("/pixel/v1/page")
    def page() -> Response:
        agent, referrer = request.headers.get("User-Agent", ""), request.headers.get("Referer", "")
        event = make_event(request.args.items(), request.remote_addr or "", agent, referrer, numbers)
        if not is_valid(event):
            return Response(GIF, 400, HEADERS, mimetype="image/gif")
        sink(event)
        return Response(GIF, 200, HEADERS, mimetype="image/gif")

    return app.wsgi_app


def flask_view(schema: dict[str, Any] = PAGE_SCHEMA, numbers: Iterable[str] = ()) -> Application:
    """A Flask view with a validator made once."""
    return _flask_app(Draft202012Validator(schema).is_valid, numbers)


def django_view() -> Application:
    """A Django view with a validator made once, in a project without middleware."""
    frameworks.configure_django()
    from django.core.wsgi import get_wsgi_application
    from django.http import HttpRequest, HttpResponse
    from django.urls import path

    validator = Draft202012Validator(PAGE_SCHEMA)

    def page(request: HttpRequest) -> HttpResponse:
        agent, referrer = request.headers.get("User-Agent", ""), request.headers.get("Referer", "")
        event = make_event(request.GET.items(), request.META["REMOTE_ADDR"], agent, referrer)
        if next(validator.iter_errors(event), None) is not None:
            return HttpResponse(GIF, status=400, headers=HEADERS, content_type="image/gif")
        sink(event)
        return HttpResponse(GIF, headers=HEADERS, content_type="image/gif")

    frameworks.urlpatterns.append(path("pixel/v1/page", page))
    return get_wsgi_application()


def naive_view() -> Application:
    """The Flask view with ``jsonschema.validate()``, as most tutorials have it."""

    def is_valid(event: dict[str, Any]) -> bool:
        try:
            jsonschema.validate(event, PAGE_SCHEMA)
        except jsonschema.ValidationError:
            return False
        return True

    return _flask_app(is_valid)


def empty_flask() -> Application:
    """A Flask application with an empty view, to wrap or not to wrap."""
    from flask import Flask

    app = Flask(__name__)

    @app.get("/")
    def home() -> str:
        return ""

    return app.wsgi_app


def ours(schema: dict[str, Any] | None = None) -> PixelMiddleware:
    """pixelmw with its defaults around an empty Flask application; refusals go nowhere, as in the views."""
    schemas = {"page": schema} if schema else None
    return PixelMiddleware(empty_flask(), sink, schemas=schemas, on_reject=lambda refusal: None)
