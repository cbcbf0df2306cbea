"""A Django project for the tests of this process, on an SQLite database in a file."""

from __future__ import annotations

import atexit
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
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


def stream(request: HttpRequest) -> StreamingHttpResponse:
    async def chunks() -> AsyncIterator[bytes]:
        for chunk in (b"one ", b"two"):
            yield chunk

    return StreamingHttpResponse(chunks() if hasattr(request, "scope") else iter([b"one ", b"two"]))


def echo(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.body, status=201, content_type="application/octet-stream")


def cookies(request: HttpRequest) -> HttpResponse:
    response = HttpResponse("with cookies", reason="Fine by me", headers={"X-Lower": "caf\xe9"})
    response.set_cookie("b", "2", max_age=60, samesite="Lax")
    response.set_cookie("a", "1")
    return response


def no_content(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=204)


def fails(request: HttpRequest) -> HttpResponseBase:
    raise RuntimeError("the view failed")


#: What there is to ask for, at "/" and the name; any other path is ``plain``.
VIEWS = {view.__name__: view for view in (stream, echo, cookies, no_content, fails)}
urlpatterns: list[Any] = [path(name, view) for name, view in VIEWS.items()]
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
