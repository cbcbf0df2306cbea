"""The WSGI environ as text and, once somebody asks for it, as a Werkzeug request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from werkzeug.wrappers import Request

from .text import decode_utf8, environ_bytes

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment


_ASCII = bytes(range(128))


def environ_text(environ: WSGIEnvironment, key: str) -> str:
    """One string of the environ, decoded as a query value is; blank where there is none."""
    return decode_utf8(environ_bytes(environ.get(key, ""))).strip()


class LazyRequest(Request):
    """A :class:`werkzeug.wrappers.Request` that costs nothing until an attribute of it is read.

    Building a request takes longer than parsing a whole event, and most
    enrichers need no more of it than ``environ``. The body is out of reach and
    the environ is left as it was found.
    """

    def __init__(self, environ: WSGIEnvironment) -> None:
        self.environ = environ

    def __getattr__(self, name: str) -> Any:
        if name == "environ" or "headers" in self.__dict__:  # without an environ it is about to be copied
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        environ = self.environ
        if not (query := environ.get("QUERY_STRING", "")).isascii():  # Werkzeug decodes raw bytes strictly
            environ = {**environ, "QUERY_STRING": quote(environ_bytes(query), safe=_ASCII)}
        try:
            super().__init__(environ, populate_request=False, shallow=True)
        except UnicodeEncodeError:
            tunnelled = {key: _tunnel(value) for key, value in environ.items()}
            super().__init__(tunnelled, populate_request=False, shallow=True)
        return getattr(self, name)


def _tunnel(value: Any) -> Any:
    """*value* as PEP 3333 wants it: bytes in the guise of latin-1 characters."""
    return environ_bytes(value).decode("latin-1") if isinstance(value, str) else value
