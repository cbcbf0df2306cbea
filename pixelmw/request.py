"""The WSGI environ as text, and as a Werkzeug request that is built when it is first read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from werkzeug.wrappers import Request

from .text import DEFAULT_HEADER_CHARS, decode_utf8, environ_bytes

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment


_ASCII = bytes(range(128))


_MAX_UTF8_BYTES = 4  # of one character
# RFC 9110, section 12.4.2: from 0 to 1, with at most three digits behind the point.
_QUALITY = re.compile(r";[ \t]*[qQ]=([^;]*)")
_QUALITY_VALUE = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")
# Browsers list at most some ten.
_MAX_ACCEPTED_VALUES = 64


def environ_text(environ: WSGIEnvironment, key: str, max_chars: int) -> str:
    """The first *max_chars* characters of a string of the environ, stripped, and decoded as a value of the query is.

    It is empty if the key is absent.
    """
    raw = environ.get(key, "")[: max_chars * _MAX_UTF8_BYTES]
    return decode_utf8(environ_bytes(raw)).strip()[:max_chars]


def accepted_values(header: str) -> Iterator[tuple[str, float]]:
    """What an ``Accept`` header lists, in its order: each value without its parameters, and its quality.

    A value whose quality is none by RFC 9110 is left out, and so is all that
    follows the 64th. Werkzeug's classes for these headers take ten times as
    long, and milliseconds for a header that is meant to hurt.
    """
    for item in header.split(",", _MAX_ACCEPTED_VALUES)[:_MAX_ACCEPTED_VALUES]:
        weight = _QUALITY.search(item)
        quality = weight[1].strip() if weight else "1"
        if _QUALITY_VALUE.fullmatch(quality):
            yield item.partition(";")[0].strip(), float(quality)


class LazyRequest(Request):
    """A :class:`werkzeug.wrappers.Request` that is built when an attribute other than those below is first read.

    To build a request takes longer than to parse a whole event, and most
    enrichers read only ``environ``. The body cannot be read (``shallow``), and
    the environ is not changed (``populate_request``).

    :ivar environ: the WSGI environ.
    :ivar header_chars: what is to be read of a header, in characters.
    """

    def __init__(self, environ: WSGIEnvironment, header_chars: int = DEFAULT_HEADER_CHARS) -> None:
        self.environ = environ
        self.header_chars = header_chars

    def __getattr__(self, name: str) -> Any:
        # Python calls this for each attribute that does not exist. If "headers" exists, the request is built, so the
        # attribute is really missing. "environ" is missing only in a new instance that copy.copy() has not filled yet.
        if name == "environ" or "headers" in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        environ = self.environ
        if not (query := environ.get("QUERY_STRING", "")).isascii():  # Werkzeug raises for raw bytes that are not UTF-8
            environ = {**environ, "QUERY_STRING": quote(environ_bytes(query), safe=_ASCII)}
        try:
            super().__init__(environ, populate_request=False, shallow=True)
        except UnicodeEncodeError:  # the server left characters beyond latin-1 in some string
            as_wsgi_strings = {key: _as_wsgi_string(value) for key, value in environ.items()}
            super().__init__(as_wsgi_strings, populate_request=False, shallow=True)
        return getattr(self, name)


def _as_wsgi_string(value: Any) -> Any:
    """*value*, if it is a string, with its bytes as latin-1 characters, as PEP 3333 demands."""
    return environ_bytes(value).decode("latin-1") if isinstance(value, str) else value
