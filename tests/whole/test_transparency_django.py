"""Whatever is not a pixel path reaches a Django project as if the middleware were not there, under WSGI and ASGI."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.test import AsyncRequestFactory, RequestFactory, override_settings
from werkzeug.test import create_environ, run_wsgi_app

from pixelmw.contrib.django import PixelMiddleware
from pixelmw.replies import GIF
from tests.support import django_site
from tests.support.asgi import as_wsgi
from tests.support.fixture_apps import NEAR_MISSES

django_site.configure()

# Django warns of a stream of the other kind, which it takes as a whole.
pytestmark = pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")
TRACK = "/pixel/v1/track?writeKey=k&anonymousId=a&event=e"
ENDING = [name for name in django_site.STREAMS if name != "breaks_off"]
HANDLERS = {"WSGI": WSGIHandler, "ASGI": lambda: as_wsgi(ASGIHandler())}


@pytest.fixture(params=HANDLERS)
def pair(request: pytest.FixtureRequest) -> Iterator[list[Callable[..., Any]]]:
    """The project without the middleware, and with it."""
    with override_settings(PIXELMW={"SINK": [].append}):
        handlers = []
        for middleware in ([], [django_site.MIDDLEWARE]):
            with override_settings(MIDDLEWARE=middleware):
                handlers.append(HANDLERS[request.param]())
        yield handlers


def answer(app: Callable[..., Any], target: str, **options: Any) -> tuple[str, list[tuple[str, str]], bytes]:
    """Status, headers in their order, and body."""
    environ = create_environ(target, **options)
    body, status, headers = run_wsgi_app(app, environ, buffered=True)
    return status, list(headers), b"".join(body)


def test_the_two_differ_on_a_pixel_path(pair: list[Callable[..., Any]]) -> None:
    """Without this the whole comparison would prove nothing."""
    bare, wrapped = (answer(app, TRACK) for app in pair)
    assert bare[2].startswith(b"the host application")
    assert wrapped[2] == GIF


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
@pytest.mark.parametrize("kind", [*django_site.VIEWS, *ENDING, "plain"])
def test_every_kind_of_answer_is_the_same(pair: list[Callable[..., Any]], kind: str, method: str) -> None:
    options = {"data": b"hello"} if method == "POST" else {}
    bare, wrapped = (answer(app, f"/{kind}?a=1", method=method, **options) for app in pair)
    assert bare == wrapped


@pytest.mark.parametrize("kind", ENDING)
def test_what_is_streamed_is_closed_once(pair: list[Callable[..., Any]], kind: str) -> None:
    for app in pair:
        before = int(answer(app, "/closed")[2])
        assert len(answer(app, f"/{kind}")[2]) > 1000
        # Whether a file on the disk is closed, Python itself says.
        assert int(answer(app, "/closed")[2]) == before + (kind != "file")


@pytest.mark.parametrize("path", NEAR_MISSES.values(), ids=NEAR_MISSES)
def test_a_path_that_only_looks_like_a_pixel_is_the_projects(pair: list[Callable[..., Any]], path: str) -> None:
    bare, wrapped = (answer(app, path) for app in pair)
    assert bare == wrapped
    assert wrapped[2] != GIF


def test_the_project_gets_the_very_request_and_the_visitor_the_very_response() -> None:
    response, seen = HttpResponse(), []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(request)
        return response

    async def async_view(request: HttpRequest) -> HttpResponse:
        return view(request)

    request, async_request = RequestFactory().get("/else"), AsyncRequestFactory().get("/else")
    before = {**request.META}
    assert PixelMiddleware(view)(request) is response
    assert asyncio.run(PixelMiddleware(async_view)(async_request)) is response
    assert seen == [request, async_request]
    assert before == request.META


@pytest.mark.parametrize("fault", [ValueError("a fault"), KeyboardInterrupt()], ids=repr)
def test_what_a_view_raises_is_djangos_to_handle(fault: BaseException) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        raise fault

    with pytest.raises(type(fault)) as caught:
        PixelMiddleware(view)(RequestFactory().get("/else"))
    assert caught.value is fault
