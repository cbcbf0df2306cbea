"""The WSGI environ as text, and as a Werkzeug request that is built when it is first read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from werkzeug.wrappers import Request

from .text import decode_utf8, environ_bytes

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment


_ASCII = bytes(range(128))


def environ_text(environ: WSGIEnvironment, key: str) -> str:
    """A string of the environ, decoded as a value of the query is, and stripped. It is empty if the key is absent."""
    return decode_utf8(environ_bytes(environ.get(key, ""))).strip()


class LazyRequest(Request):
    """A :class:`werkzeug.wrappers.Request` that is built when an attribute other than ``environ`` is first read.

    To build a request takes longer than to parse a whole event, and most
    enrichers read only ``environ``. The body cannot be read (``shallow``), and
    the environ is not changed (``populate_request``).
    """

    def __init__(self, environ: WSGIEnvironment) -> None:
        self.environ = environ

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
