"""The event that a pixel URL becomes, without an application and without a server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from ..collector import Collector
from ..errors import Rejected
from ..events import PATHS, Event
from ..text import wsgi_text


def collect(
    url: str,
    *,
    paths: Mapping[str, str] = PATHS,
    headers: Mapping[str, str] | None = None,
    remote_addr: str = "127.0.0.1",
    **options: Any,
) -> Event:
    """Return the event that a GET of *url* becomes.

    ::

        collect("/pixel/v1/track?userId=42&event=Opened")["userId"] == "42"

    :param url: a path and a query, or a whole URL, spelled as a browser would send it. What is not ASCII goes as UTF-8.
    :param paths: path to event type, as the middleware takes it.
    :param headers: of the request, such as ``{"Referer": "https://shop.example/"}``.
    :param remote_addr: the address that the request comes from.
    :param options: those of :class:`pixelmw.Collector`, such as ``schemas``, ``plan``,
        ``enrich``, ``clock`` and ``new_id``. ``write_keys`` is "optional" unless
        given, and a ``sink`` is called with the event if there is one.
    :raises Rejected: if the request is refused; ``on_reject`` is called with it if it is given.
    :raises Discard: if an enricher raised it.
    :raises ValueError: if no event type has the path of *url*.
    """
    path, query = _split(url)
    # A second slash in front changes nothing, as in the middleware.
    if (event_type := paths.get(path) or paths.get(path.removeprefix("/"))) is None:
        raise ValueError(f"no pixel has the path {path!r} of {url!r:.200}; these have: {', '.join(paths)}")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": wsgi_text(path),
        "QUERY_STRING": wsgi_text(query),
        "REMOTE_ADDR": remote_addr,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
    }
    for name, value in (headers or {}).items():
        environ[f"HTTP_{name.upper().replace('-', '_')}"] = wsgi_text(value)
    defaults: dict[str, Any] = {"sink": _accept, "write_keys": "optional", "on_reject": _accept}
    collector = Collector(**(defaults | options))
    return collector.collect(event_type, environ)


def _accept(event_or_refusal: Event | Rejected) -> None:
    """Take it: ``collect`` returns the event, or raises the refusal."""


def _split(url: str) -> tuple[str, str]:
    """Return the path of *url*, decoded, and its query as it is. ``urlsplit`` would take ``//pixel`` for a host."""
    url, _, query = url.partition("#")[0].partition("?")
    scheme, colon, rest = url.partition("://")
    if colon and scheme.isalpha():
        url = f"/{rest.partition('/')[2]}"
    return unquote_to_bytes(url).decode("utf-8", "replace"), query
