"""A host application with one path for each thing that WSGI lets an application do, bare and wrapped."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from pixelmw import Event, PixelMiddleware

Environ = dict[str, Any]
StartResponse = Callable[..., Callable[[bytes], object]]
_TEXT = ("Content-Type", "text/plain; charset=utf-8")


class Closing:
    """An iterable whose close() is counted, in the process that serves it."""

    closed = 0

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks

    def close(self) -> None:
        Closing.closed += 1


class Restless(Closing):
    """An iterable that breaks off in the middle."""

    def __iter__(self) -> Iterator[bytes]:
        yield b"before the fault"
        raise RuntimeError("the application failed in the middle")


def plain(environ: Environ, start_response: StartResponse) -> list[bytes]:
    """Say what the request was: whatever path it has, the application answers it."""
    names = ("REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "SERVER_PROTOCOL", "HTTP_HOST")
    body = "\n".join(f"{name}={environ.get(name)!a}" for name in names).encode()
    start_response("200 OK", [_TEXT, ("Content-Length", str(len(body)))])
    return [body]


def stream(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
    """A generator, which calls start_response only once it is iterated."""
    start_response("200 OK", [_TEXT])
    yield from (b"one ", b"", b"two ", b"three")


def closing(environ: Environ, start_response: StartResponse) -> Closing:
    start_response("200 OK", [_TEXT])
    return Closing([b"to be ", b"closed"])


def closed(environ: Environ, start_response: StartResponse) -> list[bytes]:
    """How often close() was called so far."""
    body = str(Closing.closed).encode()
    start_response("200 OK", [_TEXT, ("Content-Length", str(len(body)))])
    return [body]


def fails_early(environ: Environ, start_response: StartResponse) -> list[bytes]:
    raise RuntimeError("the application failed at once")


def fails_midway(environ: Environ, start_response: StartResponse) -> Restless:
    start_response("200 OK", [_TEXT])
    return Restless([])


def thinks_again(environ: Environ, start_response: StartResponse) -> list[bytes]:
    """The way to report an error as long as no header is sent."""
    start_response("200 OK", [_TEXT])
    try:
        raise ValueError("not 200 after all")
    except ValueError:
        start_response("500 Sorry", [_TEXT, ("X-Second", "thought")], sys.exc_info())
    return [b"the second answer"]


def writes(environ: Environ, start_response: StartResponse) -> list[bytes]:
    """The old way, for code from before WSGI."""
    write = start_response("200 OK", [_TEXT])
    write(b"written, ")
    write(b"written again, ")
    return [b"returned"]


def sends_file(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    path = Path(__file__)
    start_response("200 OK", [_TEXT, ("Content-Length", str(path.stat().st_size))])
    return environ["wsgi.file_wrapper"](path.open("rb"), 512)  # type: ignore[no-any-return]


def echo(environ: Environ, start_response: StartResponse) -> list[bytes]:
    """The body of the request; without its length only where the server marks the end."""
    length = -1 if environ.get("wsgi.input_terminated") else int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(length)
    start_response("201 Created", [("Content-Type", "application/octet-stream"), ("Content-Length", str(len(body)))])
    return [body]


def no_content(environ: Environ, start_response: StartResponse) -> list[bytes]:
    start_response("204 No Content", [("X-Was", "here")])
    return []


def not_modified(environ: Environ, start_response: StartResponse) -> list[bytes]:
    start_response("304 Not Modified", [("ETag", '"abc"'), ("Vary", "Accept")])
    return []


def large(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
    start_response("200 OK", [("Content-Type", "application/octet-stream"), ("Content-Length", str(64 * 16_384))])
    return (bytes([number]) * 16_384 for number in range(64))


def cookies(environ: Environ, start_response: StartResponse) -> list[bytes]:
    """Headers that are repeated, not latin-1 only, and in an order of the application's own."""
    headers = [
        ("Set-Cookie", "b=2; Path=/"),
        ("x-lower", "caf\xe9"),
        ("Set-Cookie", "a=1"),
        _TEXT,
        ("Set-Cookie", "b=3"),
    ]
    start_response("200 Fine by me", headers)
    return [b"with cookies"]


_APPS = (plain, stream, closing, closed, fails_early, fails_midway, thinks_again, writes, sends_file, echo)
#: What there is to ask for, at "/" and the name; any other path is ``plain``.
KINDS: dict[str, Callable[[Environ, StartResponse], Iterable[bytes]]] = {
    app.__name__: app for app in (*_APPS, no_content, not_modified, large, cookies)
}


def bare(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    return KINDS.get(environ.get("PATH_INFO", "")[1:], plain)(environ, start_response)


_events: list[Event] = []
wrapped = PixelMiddleware(bare, _events.append)

#: Paths that only look like ours, as they are in a request line.
NEAR_MISSES = {
    "trailing-slash": "/pixel/v1/page/",
    "path-parameter": "/pixel/v1/page;p=1",
    "upper-case": "/PIXEL/v1/page",
    "parent": "/pixel/v1",
    "longer-word": "/pixel/v1/pages",
    "shorter-word": "/pixel/v1/pag",
    "below": "/pixel/v1/page/1",
    "trailing-space": "/pixel/v1/page%20",
    "trailing-nul": "/pixel/v1/page%00",
    "dot-segment": "/pixel/v1/./page",
    "encoded-twice": "/pixel/v1/p%2561ge",
    "inside-the-query": "/?/pixel/v1/page",
    "below-another-path": "/app/pixel/v1/page",
    "non-ascii": "/caf%C3%A9/%E6%9B%B8?q=%C3%A9&r=+",
    "not-utf-8": "/%FF%FE/%80",
    "encoded-slash": "/a%2Fb%3Fc%23d",
    "only-a-query": "/?",
    "odd-query": "/plain?&&==&a&%zz&a.b=1&a=2",
}
#: ``PATH_INFO`` that is not ours, also such as no request line leads to.
STRANGE = {
    "front-page": "/",
    "empty": "",
    "triple-slash": "///pixel/v1/page",
    "trailing-slash": "/pixel/v1/page/",
    "trailing-line-feed": "/pixel/v1/page\n",
    "upper-case": "/PIXEL/V1/PAGE",
    "no-slash": "pixel/v1/page",
    "latin-1": "/caf\xe9",
    "beyond-latin-1": "/\u66f8\udcff",
}
#: What an application may return.
BODIES: dict[str, Callable[[], Iterable[bytes]]] = {
    "list": lambda: [b"a", b"b"],
    "tuple": lambda: (b"a",),
    "generator": lambda: (chunk for chunk in (b"a", b"b")),
    "closing": lambda: Closing([b"a"]),
    "empty": list,
}
