"""The default enricher: address, browser, language and page of the client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..request import environ_text
from ..text import decode_utf8, environ_bytes, is_blank

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

    from werkzeug.wrappers import Request

    from ..events import Event

_PAGE_PROPERTIES = ("path", "referrer", "title", "url")


def client_context(event: Event, request: Request) -> None:
    """Fill ``context`` with what the request's headers say and the URL does not.

    ``context.ip`` is ``REMOTE_ADDR``; behind a proxy, Werkzeug's ``ProxyFix``
    around the middleware makes that the client's. ``context.userAgent``,
    ``context.page.url`` and ``context.locale`` come from ``User-Agent``,
    ``Referer`` and ``Accept-Language``; for a page event,
    ``context.page.{path,referrer,title,url}`` come from ``properties`` first.
    A value that the event has already is kept, unless it is blank. If
    ``context`` is not an object, it stays as it is, and the schema refuses it.
    """
    context = event.get("context")
    if is_blank(context):
        context = event["context"] = {}
    elif not isinstance(context, dict):
        return
    environ = request.environ
    _fill_from_environ(environ, "REMOTE_ADDR", context, "ip")
    _fill_from_environ(environ, "HTTP_USER_AGENT", context, "userAgent")
    if is_blank(context.get("locale")) and (language := _preferred_language(request)):
        context["locale"] = language
    page = {} if is_blank(context.get("page")) else context["page"]
    if isinstance(page, dict):
        properties = event.get("properties")
        if event["type"] == "page" and isinstance(properties, dict):
            for name in _PAGE_PROPERTIES:
                if is_blank(page.get(name)) and isinstance(properties.get(name), str) and properties[name].strip():
                    page[name] = properties[name]
        _fill_from_environ(environ, "HTTP_REFERER", page, "url")
        if page:
            context["page"] = page


def _fill_from_environ(environ: WSGIEnvironment, key: str, parent: dict[str, Any], name: str) -> None:
    """Set *name* to a string of the environ, if *parent* has no such value yet. Only then is the string decoded."""
    if is_blank(parent.get(name)) and (value := environ_text(environ, key)):
        parent[name] = value


def _preferred_language(request: Request) -> str:
    if not environ_text(request.environ, "HTTP_ACCEPT_LANGUAGE"):
        return ""
    accepted = (language for language, quality in request.accept_languages if quality > 0 and language != "*")
    return decode_utf8(environ_bytes(next(accepted, "")))
