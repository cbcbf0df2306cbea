"""The default enricher: address, browser, language and page of the client."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ..request import accepted_values, environ_text
from ..text import DEFAULT_HEADER_CHARS, is_blank
from .addresses import read_address

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

    from werkzeug.wrappers import Request

    from ..events import Event

_PAGE_PROPERTIES = ("path", "referrer", "title", "url")

# Roughly RFC 5646, section 2.1; some clients write underscores. A tag of the registry has at most six subtags.
_LANGUAGE_TAG = re.compile(r"(?:[A-Za-z]{2,8}|[IiXx](?=-))(?:[-_][A-Za-z0-9]{1,8}){0,7}")
# The headers of one country's browsers. A longer one is not cached, so that the cache stays below 100 KB.
_CACHE_SIZE = 256
_MAX_CACHED_CHARS = 200


def client_context(event: Event, request: Request) -> None:
    """Fill ``context`` with what the request's headers say and the URL does not.

    ``context.ip`` is ``REMOTE_ADDR``; behind a proxy, Werkzeug's ``ProxyFix``
    around the middleware makes that the client's. ``context.userAgent``,
    ``context.page.url`` and ``context.locale`` come from ``User-Agent``,
    ``Referer`` and ``Accept-Language``; for a page event,
    ``context.page.{path,referrer,title,url}`` come from ``properties`` first.
    A value that the event has already is kept, unless it is blank. What is in
    the way of an object, such as a text for ``context.page``, stays as it is,
    and the schema refuses it.

    An address has no port, brackets or zone, and is IPv4 for IPv4 within IPv6;
    a ``REMOTE_ADDR`` that is no address, such as ``unix:``, is left out, and so
    is a language that does not look like a tag (RFC 5646). Of each header,
    ``Limits.header_chars`` characters are read.
    """
    context = event.get("context")
    if is_blank(context):
        context = event["context"] = {}
    elif not isinstance(context, dict):
        return
    environ = request.environ
    max_chars = getattr(request, "header_chars", DEFAULT_HEADER_CHARS)  # a plain Request of the user's has no limit
    if is_blank(context.get("ip")) and (address := read_address(environ.get("REMOTE_ADDR", ""))):
        context["ip"] = address
    _fill_from_header(context, "userAgent", environ, "HTTP_USER_AGENT", max_chars)
    if is_blank(context.get("locale")) and (language := _language_of(environ, max_chars)):
        context["locale"] = language
    page = {} if is_blank(context.get("page")) else context["page"]
    if isinstance(page, dict):
        properties = event.get("properties")
        if event["type"] == "page" and isinstance(properties, dict):
            for name in _PAGE_PROPERTIES:
                if is_blank(page.get(name)) and isinstance(properties.get(name), str) and properties[name].strip():
                    page[name] = properties[name]
        _fill_from_header(page, "url", environ, "HTTP_REFERER", max_chars)
        if page:
            context["page"] = page


def _fill_from_header(parent: dict[str, Any], name: str, environ: WSGIEnvironment, key: str, max_chars: int) -> None:
    """Set *name* to a header's text, if *parent* has no such value yet. Only then is the header decoded."""
    if is_blank(parent.get(name)) and (value := environ_text(environ, key, max_chars)):
        parent[name] = value


def _language_of(environ: WSGIEnvironment, max_chars: int) -> str:
    header = environ.get("HTTP_ACCEPT_LANGUAGE", "")[:max_chars]
    if len(header) > _MAX_CACHED_CHARS:
        return _preferred_language(header)
    return _cached_preferred_language(header) if header else ""


def _preferred_language(header: str) -> str:
    """The language tag in *header* that has the highest quality, and of several the first; empty if there is none."""
    best, best_quality = "", 0.0
    for value, quality in accepted_values(header):
        if quality > best_quality and _LANGUAGE_TAG.fullmatch(value):
            best, best_quality = value, quality
    return best


_cached_preferred_language = lru_cache(maxsize=_CACHE_SIZE)(_preferred_language)
