"""Enrichers: callables that add to an event what the request says, before the schema judges it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .events import Event, is_blank, sub_object
from .params import environ_bytes, to_text
from .request import environ_text

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

_PAGE_PROPERTIES = ("path", "referrer", "title", "url")


def client_context(event: Event, request: Request) -> None:
    """Fill ``context`` with what the URL does not carry.

    ``context.ip`` is ``REMOTE_ADDR``; behind a proxy, Werkzeug's ``ProxyFix``
    around the middleware makes that the client's. ``context.userAgent``,
    ``context.page.url`` and ``context.locale`` come from ``User-Agent``,
    ``Referer`` and ``Accept-Language``; for a page event,
    ``context.page.{path,referrer,title,url}`` come from ``properties`` first.
    What the event has already is kept, unless it is blank; a ``context`` that
    is not an object is left for the schema to refuse.
    """
    context = sub_object(event, "context")
    if context is None:
        return
    environ = request.environ
    _fill(context, "ip", environ_text(environ, "REMOTE_ADDR"))
    _fill(context, "userAgent", environ_text(environ, "HTTP_USER_AGENT"))
    if is_blank(context.get("locale")):
        _fill(context, "locale", _preferred_language(request))
    page: dict[str, Any] = {}
    properties = event.get("properties")
    if event["type"] == "page" and isinstance(properties, dict):
        page = {name: properties[name] for name in _PAGE_PROPERTIES if isinstance(properties.get(name), str)}
    if is_blank(page.get("url")):
        page["url"] = environ_text(environ, "HTTP_REFERER")
    found = {name: value for name, value in page.items() if not is_blank(value)}
    target = sub_object(context, "page") if found else None
    if target is not None:
        for name, value in found.items():
            _fill(target, name, value)


def _fill(parent: dict[str, Any], name: str, value: str) -> None:
    if value and is_blank(parent.get(name)):
        parent[name] = value


def _preferred_language(request: Request) -> str:
    if not environ_text(request.environ, "HTTP_ACCEPT_LANGUAGE"):
        return ""
    accepted = (language for language, quality in request.accept_languages if quality > 0 and language != "*")
    return to_text(environ_bytes(next(accepted, "")))
