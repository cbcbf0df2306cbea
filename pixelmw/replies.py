"""Answers: the GIF, ``OK``, refusals and preflights, each as a small WSGI application."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from .errors import STATUS_OF_CODE, Rejected
from .request import accepted_values, environ_text
from .text import DEFAULT_HEADER_CHARS

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

#: The replies that the package has, by name.
ReplyMode = Literal["gif", "ok", "auto", "always-gif"]

#: A transparent GIF89a of one pixel. Its LZW stream is complete, unlike that of the common GIF of 42 bytes, since
#: some decoders are strict.
GIF = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff"
    b"!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)

ALLOWED_METHODS = "GET, HEAD, OPTIONS"

# No cache may answer instead of us, a page of any origin may show the answer, and its type is not guessed.
_COMMON_HEADERS = [
    ("Cache-Control", "no-store, no-cache, must-revalidate, private, max-age=0"),
    ("Cross-Origin-Resource-Policy", "cross-origin"),
    ("X-Content-Type-Options", "nosniff"),
    ("Access-Control-Allow-Origin", "*"),
]
_RETRY_AFTER = "10"  # seconds
# What PEP 3333 lets an application give: a number and a phrase; texts in latin-1 without control characters.
_STATUS = re.compile("[1-9][0-9]{2} ")
_HEADER = re.compile(r"[^\0-\x08\n-\x1f\x7f\u0100-\U0010ffff]*")
_IMAGE = "image/gif"
_TEXT = "text/plain; charset=utf-8"


class FixedAnswer:
    """A WSGI application that always gives the same answer.

    :param status: the HTTP status code.
    :param body: the body. :func:`for_head` leaves it out.
    :param content_type: the type of the body. A 204 has none.
    :param headers: headers in addition to those that every answer has.
    """

    def __init__(
        self, status: int, body: bytes = b"", content_type: str = "", headers: Iterable[tuple[str, str]] = ()
    ) -> None:
        self.status = f"{status} {HTTPStatus(status).phrase}"
        self.body = body
        content_headers = [("Content-Type", content_type), ("Content-Length", str(len(body)))] if content_type else []
        self.headers = [*content_headers, *_COMMON_HEADERS, *headers]
        #: What a shell for another protocol has made of it, and keeps here.
        self.translated: Any = None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        # Each answer has a list of its own: servers and middlewares around this one may change it (PEP 3333).
        start_response(self.status, self.headers.copy())
        return [self.body]


#: The answer to OPTIONS. A 204 has no Content-Length (RFC 9110, section 8.6).
PREFLIGHT = FixedAnswer(
    204,
    headers=[
        ("Allow", ALLOWED_METHODS),
        ("Access-Control-Allow-Methods", ALLOWED_METHODS),
        ("Access-Control-Allow-Headers", "*"),
        ("Access-Control-Max-Age", "86400"),
    ],
)


class Reply(Protocol):
    """How requests are answered. Each method returns a WSGI application, for example a Werkzeug response."""

    def accepted(self, environ: WSGIEnvironment) -> WSGIApplication:
        """The answer if the event was stored, or discarded on purpose."""

    def refused(self, environ: WSGIEnvironment, refusal: Rejected) -> WSGIApplication:
        """The answer if the request was refused, or (``unavailable``) the event could not be stored."""


def _error_code_headers(code: str) -> list[tuple[str, str]]:
    return [("X-Pixel-Error", code), ("Access-Control-Expose-Headers", "X-Pixel-Error")]


def _error_headers(code: str) -> list[tuple[str, str]]:
    extra_headers = {"bad-method": [("Allow", ALLOWED_METHODS)], "unavailable": [("Retry-After", _RETRY_AFTER)]}
    return _error_code_headers(code) + extra_headers.get(code, [])


class GifReply:
    """Always the image. The status and ``X-Pixel-Error`` say what happened."""

    _accepted = FixedAnswer(200, GIF, _IMAGE)
    _refused: ClassVar = {
        code: FixedAnswer(status, GIF, _IMAGE, _error_headers(code)) for code, status in STATUS_OF_CODE.items()
    }

    def accepted(self, environ: WSGIEnvironment) -> WSGIApplication:
        return self._accepted

    def refused(self, environ: WSGIEnvironment, refusal: Rejected) -> WSGIApplication:
        return self._refused[refusal.code]


class AlwaysGifReply(GifReply):
    """200 and the image for every GET, as RudderStack answers today. ``X-Pixel-Error`` still says what happened."""

    _refused: ClassVar = GifReply._refused | {
        code: FixedAnswer(200, GIF, _IMAGE, _error_code_headers(code))
        for code in STATUS_OF_CODE
        if code != "bad-method"
    }


class TextReply:
    """``OK`` or an error string, as RudderStack documents its API."""

    _accepted = FixedAnswer(200, b"OK", _TEXT)

    def accepted(self, environ: WSGIEnvironment) -> WSGIApplication:
        return self._accepted

    def refused(self, environ: WSGIEnvironment, refusal: Rejected) -> WSGIApplication:
        body = refusal.message.encode("utf-8", "replace")
        return FixedAnswer(refusal.status, body, _TEXT, _error_headers(refusal.code))


class AutoReply:
    """Text for a client that accepts text and no image, and the image for all others."""

    def accepted(self, environ: WSGIEnvironment) -> WSGIApplication:
        return _with_vary(_negotiate(environ).accepted(environ))

    def refused(self, environ: WSGIEnvironment, refusal: Rejected) -> WSGIApplication:
        return _with_vary(_negotiate(environ).refused(environ, refusal))


_GIF, _OK = GifReply(), TextReply()
REPLIES: dict[ReplyMode, Reply] = {"gif": _GIF, "ok": _OK, "auto": AutoReply(), "always-gif": AlwaysGifReply()}


def _negotiate(environ: WSGIEnvironment) -> Reply:
    """The reply that the ``Accept`` header asks for."""
    accepted = accepted_values(environ_text(environ, "HTTP_ACCEPT", DEFAULT_HEADER_CHARS))
    media_types = {media_type.lower() for media_type, quality in accepted if quality > 0}
    accepts_images = any(media_type == "*/*" or media_type.startswith("image/") for media_type in media_types)
    return _OK if "text/plain" in media_types and not accepts_images else _GIF


def _with_vary(app: WSGIApplication) -> WSGIApplication:
    """*app* with ``Vary: Accept`` (RFC 9110, section 12.5.5): another ``Accept`` may get another answer."""

    def vary(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Callable[[bytes], object]:
            return start_response(status, [*headers, ("Vary", "Accept")], exc_info)

        return app(environ, start)

    return vary


def for_head(app: WSGIApplication) -> WSGIApplication:
    """*app* as it answers a HEAD: the headers of a GET and no body, whether *app* itself looks at the method or not."""

    def head(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        app(environ, start_response)
        return []

    return head


def recorded(reply: Reply, app: object, environ: WSGIEnvironment) -> WSGIApplication:
    """Run *app*, which *reply* returned, to its end; returns an application that gives the answer that it gave.

    So a fault is found while another answer can still be sent, whenever it
    occurs: PEP 3333 lets an application call ``start_response`` as late as for
    its first item, and write a part of its body then.

    :raises TypeError: if it is no application.
    :raises ValueError: if no server could send what it answers.
    :raises BaseException: what *app* raises.
    """
    if not callable(app):
        raise TypeError(f"reply is {reply!r}, which returned {app!r}, and no WSGI application")
    started: list[tuple[str, list[tuple[str, str]]]] = []
    written: list[bytes] = []

    def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Callable[[bytes], object]:
        started.append((status, list(headers)))
        return written.append

    chunks = app(environ, start)
    try:
        for chunk in chunks:
            written.append(chunk)
    finally:  # that closes a coroutine, too, over which nobody can iterate
        if callable(close := getattr(chunks, "close", None)):
            close()
    if not started:
        raise TypeError(f"reply is {reply!r}, which returned {app!r}; it did not call start_response")
    (status, headers), body = started[-1], b"".join(written)
    _require_sendable(reply, status, headers)

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response(status, headers.copy())
        return [body]

    return answer


def _require_sendable(reply: Reply, status: Any, headers: Any) -> None:
    if not (isinstance(status, str) and _STATUS.match(status) and _HEADER.fullmatch(status)):
        raise ValueError(f"reply is {reply!r}, whose status is {status!r}; it has to be like '200 OK'")
    for name, value in headers:
        if not (isinstance(name, str) and isinstance(value, str) and _HEADER.fullmatch(name + value)):
            raise ValueError(f"reply is {reply!r}, whose header {name!r} no server could send: its value is {value!r}")


def given_answer(status: int, headers: list[tuple[str, str]], body: bytes) -> WSGIApplication:
    """A WSGI application that gives an answer that was made elsewhere, without the headers of a pixel."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response(f"{status} {HTTPStatus(status).phrase}", headers)
        return [body]

    return answer


def resolve_reply(reply: ReplyMode | Reply) -> Reply:
    """The reply called *reply*, or *reply* itself if it is an object.

    :raises ValueError: for an unknown name.
    """
    if not isinstance(reply, str):
        return reply
    if reply not in REPLIES:
        raise ValueError(f"reply is {reply!r}; known are {', '.join(REPLIES)}")
    return REPLIES[reply]
