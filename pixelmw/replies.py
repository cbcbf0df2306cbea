"""Answers: the GIF, ``OK``, refusals and preflights, each as a small WSGI application."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from werkzeug.wsgi import ClosingIterator

from .errors import STATUS, Rejected
from .request import LazyRequest

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

#: A transparent GIF89a of one pixel, with a complete LZW stream.
GIF = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff"
    b"!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)

ALLOWED_METHODS = "GET, HEAD, OPTIONS"

# Every answer must come from here, may be shown by any page, and says what it is.
_COMMON = [
    ("Cache-Control", "no-store, no-cache, must-revalidate, private, max-age=0"),
    ("Cross-Origin-Resource-Policy", "cross-origin"),
    ("X-Content-Type-Options", "nosniff"),
    ("Access-Control-Allow-Origin", "*"),
]
_RETRY_AFTER = "10"  # seconds
_IMAGE = "image/gif"
_TEXT = "text/plain; charset=utf-8"


class Answer:
    """A WSGI application that always gives the same answer.

    :param status: the HTTP status code.
    :param body: what a GET gets; a HEAD gets its length.
    :param content_type: what the body is; none for a 204.
    :param headers: what comes on top of the headers that every answer has.
    """

    def __init__(
        self, status: int, body: bytes = b"", content_type: str = "", headers: Iterable[tuple[str, str]] = ()
    ) -> None:
        self.status = f"{status} {HTTPStatus(status).phrase}"
        self.body = body
        described = [("Content-Type", content_type), ("Content-Length", str(len(body)))] if content_type else []
        self.headers = [*described, *_COMMON, *headers]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        # Servers and middlewares around this one may change the list, so each answer has its own.
        start_response(self.status, self.headers.copy())
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [self.body]


#: The answer to OPTIONS. A 204 has no Content-Length (RFC 9110, section 8.6).
PREFLIGHT = Answer(
    204,
    headers=[
        ("Allow", ALLOWED_METHODS),
        ("Access-Control-Allow-Methods", ALLOWED_METHODS),
        ("Access-Control-Allow-Headers", "*"),
        ("Access-Control-Max-Age", "86400"),
    ],
)


class Reply(Protocol):
    """How requests are answered. What it returns is any WSGI application, a Werkzeug response for one."""

    def accepted(self, environ: WSGIEnvironment) -> WSGIApplication:
        """The answer to an event that was stored, or discarded on purpose."""

    def refused(self, environ: WSGIEnvironment, refusal: Rejected) -> WSGIApplication:
        """The answer to a request that was refused, or (``unavailable``) could not be stored."""


def _verdict(code: str) -> list[tuple[str, str]]:
    return [("X-Pixel-Error", code), ("Access-Control-Expose-Headers", "X-Pixel-Error")]


def _error_headers(code: str) -> list[tuple[str, str]]:
    on_top = {"bad-method": [("Allow", ALLOWED_METHODS)], "unavailable": [("Retry-After", _RETRY_AFTER)]}
    return _verdict(code) + on_top.get(code, [])


class GifReply:
    """Always the image; the status and ``X-Pixel-Error`` tell how it went."""

    _accepted = Answer(200, GIF, _IMAGE)
    _refused: ClassVar = {code: Answer(status, GIF, _IMAGE, _error_headers(code)) for code, status in STATUS.items()}

    def accepted(self, environ: WSGIEnvironment) -> WSGIApplication:
        return self._accepted

    def refused(self, environ: WSGIEnvironment, refusal: Rejected) -> WSGIApplication:
        return self._refused[refusal.code]


class AlwaysGifReply(GifReply):
    """200 and the image to every GET, as RudderStack answers today; ``X-Pixel-Error`` stays honest."""

    _refused: ClassVar = GifReply._refused | {
        code: Answer(200, GIF, _IMAGE, _verdict(code)) for code in STATUS if code != "bad-method"
    }


class TextReply:
    """``OK`` or an error string, as RudderStack documents its API."""

    _accepted = Answer(200, b"OK", _TEXT)

    def accepted(self, environ: WSGIEnvironment) -> WSGIApplication:
        return self._accepted

    def refused(self, environ: WSGIEnvironment, refusal: Rejected) -> WSGIApplication:
        return Answer(refusal.status, refusal.message.encode("utf-8", "replace"), _TEXT, _error_headers(refusal.code))


class AutoReply:
    """The image, or text for a client that asks for text and for no image."""

    def accepted(self, environ: WSGIEnvironment) -> WSGIApplication:
        return _varying(_negotiated(environ).accepted(environ))

    def refused(self, environ: WSGIEnvironment, refusal: Rejected) -> WSGIApplication:
        return _varying(_negotiated(environ).refused(environ, refusal))


_GIF, _OK = GifReply(), TextReply()
REPLIES: dict[str, Reply] = {"gif": _GIF, "ok": _OK, "auto": AutoReply(), "always-gif": AlwaysGifReply()}


def _negotiated(environ: WSGIEnvironment) -> Reply:
    if not environ.get("HTTP_ACCEPT"):
        return _GIF
    accepted = LazyRequest(environ).accept_mimetypes
    wanted = {media_type.partition(";")[0].lower() for media_type, quality in accepted if quality > 0}
    image = any(media_type == "*/*" or media_type.startswith("image/") for media_type in wanted)
    return _OK if "text/plain" in wanted and not image else _GIF


def _varying(app: WSGIApplication) -> WSGIApplication:
    """*app* with a header that says that another ``Accept`` gets another answer."""

    def vary(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Callable[[bytes], object]:
            return start_response(status, [*headers, ("Vary", "Accept")], exc_info)

        return app(environ, start)

    return vary


def without_body(app: WSGIApplication) -> WSGIApplication:
    """*app* as it answers a HEAD, also where it knows nothing of HEAD."""

    def head(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        body = ClosingIterator(app(environ, start_response))
        for _ in body:  # an application may start its response only now
            pass
        body.close()
        return []

    return head


def find_reply(reply: str | Reply) -> Reply:
    """The reply called *reply*, or *reply* itself where it is one.

    :raises ValueError: for an unknown name.
    :raises TypeError: for an object without the methods of :class:`Reply`.
    """
    if isinstance(reply, str):
        if reply not in REPLIES:
            raise ValueError(f"reply is {reply!r}; known are {', '.join(REPLIES)}")
        return REPLIES[reply]
    if not (callable(getattr(reply, "accepted", None)) and callable(getattr(reply, "refused", None))):
        raise TypeError(f"reply is {reply!r}: give a name, or an object with the methods accepted and refused")
    return reply
