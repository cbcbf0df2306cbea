"""A Django project for the tests of this process, on an SQLite database in a file."""

from __future__ import annotations

import atexit
import io
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import path, re_path

MIDDLEWARE = "pixelmw.contrib.django.PixelMiddleware"

_directory = tempfile.TemporaryDirectory(prefix="pixelmw-django-")
atexit.register(_directory.cleanup)
DATABASE = Path(_directory.name) / "site.db"


def plain(request: HttpRequest) -> HttpResponse:
    """Say what the request was: whatever path it has, the project answers it."""
    names = ("REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "HTTP_HOST")
    body = "\n".join(f"{name}={request.META.get(name)!a}" for name in names)
    return HttpResponse(f"the host application\n{body}", content_type="text/plain")


class Chunks:
    """What a streaming answer consists of, with the calls of its close() counted in the process that serves it."""

    closed = 0

    def __iter__(self) -> Iterator[bytes]:
        yield from (b"one ", b"", b"two ", b"three" * 10_000)

    def close(self) -> None:
        Chunks.closed += 1


class AsyncChunks:
    """The same for asynchronous code."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in Chunks():
            yield chunk

    def close(self) -> None:
        Chunks().close()


class BrokenChunks(Chunks):
    """The same, until a fault in the middle."""

    def __iter__(self) -> Iterator[bytes]:
        yield b"before the fault"
        raise RuntimeError("the view failed in the middle")


class File(io.BytesIO):
    """A file in memory, whose first close() is counted with the others: there is no harm in a second."""

    def close(self) -> None:
        Chunks.closed += not self.closed
        super().close()


def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(Chunks())


def stream_async(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(AsyncChunks())


def breaks_off(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(BrokenChunks())


async def async_view(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(AsyncChunks(), status=202)


def file(request: HttpRequest) -> FileResponse:
    return FileResponse(Path(__file__).open("rb"))


def file_in_memory(request: HttpRequest) -> FileResponse:
    return FileResponse(File(bytes(range(256)) * 400), as_attachment=True, filename="été.bin")


def closed(request: HttpRequest) -> HttpResponse:
    """How often close() was called so far."""
    return HttpResponse(str(Chunks.closed), headers={"Content-Length": str(len(str(Chunks.closed)))})


def echo(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.body, status=201, content_type="application/octet-stream")


def cookies(request: HttpRequest) -> HttpResponse:
    response = HttpResponse("with cookies", reason="Fine by me", headers={"X-Lower": "caf\xe9"})
    response.set_cookie("b", "2", expires="Fri, 31 Dec 2099 23:59:59 GMT", samesite="Lax")
    response.set_cookie("a", "1")
    return response


def no_content(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=204)


def fails(request: HttpRequest) -> HttpResponseBase:
    raise RuntimeError("the view failed")


#: What there is to ask for, at "/" and the name; any other path is ``plain``.
VIEWS: dict[str, Any] = {view.__name__: view for view in (echo, cookies, no_content, fails)}
#: The views whose answer is streamed, of which all that end well are closed once.
STREAMS: dict[str, Any] = {
    view.__name__: view for view in (stream, stream_async, breaks_off, async_view, file, file_in_memory)
}
urlpatterns: list[Any] = [path(name, view) for name, view in (VIEWS | STREAMS).items()]
urlpatterns += [path("closed", closed)]
urlpatterns += [re_path("", plain)]


def configure() -> None:
    """Make this the project of the process, once."""
    if settings.configured:
        return
    settings.configure(
        ROOT_URLCONF=__name__,
        ALLOWED_HOSTS=["*"],
        SECRET_KEY="no secret in tests",
        USE_TZ=True,
        STATIC_URL="/static/",
        MEDIA_URL="/media/",
        MIDDLEWARE=[MIDDLEWARE],
        PIXELMW={"SINK": "pixelmw.contrib.django.ModelSink"},
        INSTALLED_APPS=[
            "django.contrib.admin",
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.messages",
            "django.contrib.sessions",
            "pixelmw.contrib.django",
        ],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": DATABASE,
                # In memory, a closed connection would go unnoticed.
                "TEST": {"NAME": Path(_directory.name) / "test.db"},
            }
        },
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
        # Django's own logging would write to the terminal. Its loggers pass on to pytest's as they are.
        LOGGING_CONFIG=None,
    )
    django.setup()
