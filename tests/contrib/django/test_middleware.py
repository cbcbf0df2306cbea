"""The middleware within MIDDLEWARE: what enrichers see, what Django makes of the answers, and what a mistake says."""

# Django comes without types.
# mypy: disallow-subclassing-any=False

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, RequestFactory, TestCase, override_settings
from django.test.utils import modify_settings
from werkzeug.wrappers import Request, Response

import pixelmw
from pixelmw import Event, Rejected
from pixelmw.contrib.django import PixelMiddleware, project
from pixelmw.links import Signer
from pixelmw.replies import GIF
from tests.support import django_site, shells
from tests.support.pixel import Pixel, host_app

shell = shells.shell
GOOD = "writeKey=k&anonymousId=a&event=e"
TRACK = f"/pixel/v1/track?{GOOD}"


@pytest.mark.parametrize("shell", ["Django-WSGI", "Django-ASGI"], indirect=True)
def test_an_enricher_gets_djangos_request_and_werkzeugs(shell: type[Pixel]) -> None:
    seen: list[tuple[Any, Request]] = []
    pixel = shell(enrich=[lambda event, request: seen.append((request.environ["django.request"], request))])
    environ = {"HTTP_COOKIE": "a=1", "HTTP_X_FORWARDED_PROTO": "https"}
    pixel.track("n=%C3%A9", environ=environ, base_url="http://pixel.example:8000")
    ((django_request, request),) = seen
    assert isinstance(django_request, HttpRequest)
    assert (django_request.COOKIES, django_request.GET["n"]) == ({"a": "1"}, "é")
    assert (request.host, request.scheme, request.args["n"]) == ("pixel.example:8000", "http", "é")
    assert request.path == "/pixel/v1/track"


def test_raw_utf_8_in_a_query_arrives_as_it_was_sent(shell: type[Pixel]) -> None:
    assert shell().track("n=ключ".encode().decode("latin-1"))["n"] == "ключ"


def test_a_path_that_is_not_ascii_is_found(shell: type[Pixel]) -> None:
    pixel = shell(paths={"/пиксель": "track"})
    assert pixel.get("/%D0%BF%D0%B8%D0%BA%D1%81%D0%B5%D0%BB%D1%8C", GOOD).data == GIF
    assert len(pixel.events) == 1


def test_under_a_prefix_the_path_counts_without_it(shell: type[Pixel]) -> None:
    pixel = shell()
    pixel.collected("/pixel/v1/track", GOOD, environ={"SCRIPT_NAME": "/shop"})
    assert len(pixel.events) == 1


class Setting(Response):
    """An answer with a cookie that Python before 3.14 cannot parse, and with a header that is there twice."""

    def __init__(self) -> None:
        super().__init__(GIF, mimetype="image/gif")
        self.headers.add("Set-Cookie", "id=1; Max-Age=60; Path=/; Secure; HttpOnly; SameSite=None; Partitioned")
        self.headers.add("Set-Cookie", "other=2; Path=/")
        self.headers.add("Link", "</a>; rel=x")
        self.headers.add("Link", "</b>; rel=y")


class ReplyWithCookies:
    def accepted(self, environ: dict[str, Any]) -> Callable[..., Iterable[bytes]]:
        return Setting()

    def refused(self, environ: dict[str, Any], refusal: Rejected) -> Callable[..., Iterable[bytes]]:
        return Response("no", status=f"{refusal.status} Not Like That")


def test_a_reply_of_ones_own_arrives_as_it_is(shell: type[Pixel]) -> None:
    pixel = shell(reply=ReplyWithCookies())
    headers = pixel.get("/pixel/v1/track", GOOD).headers
    # Under WSGI, Django puts a space in front of each.
    assert [each.strip() for each in headers.getlist("Set-Cookie")] == Setting().headers.getlist("Set-Cookie")
    assert ", ".join(headers.getlist("Link")) == "</a>; rel=x, </b>; rel=y"
    assert pixel.get("/pixel/v1/track", "event=e").data == b"no"


@pytest.mark.parametrize("reply", ["gif", "ok"])
@pytest.mark.parametrize("query", ["event=s3ntinel", f"{GOOD}&fail=s3ntinel"])
def test_django_logs_nothing_about_a_refusal(
    shell: type[Pixel], query: str, reply: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It would mail a 503 to the administrators, with the visitor's values."""

    def sink(event: Event) -> None:
        raise OSError("the disk is full")

    pixel = shell(reply=reply, sink=sink)
    with caplog.at_level(logging.DEBUG, "django"):
        assert pixel.get("/pixel/v1/track", query).status_code in (401, 503)
    assert not [record for record in caplog.records if record.name.startswith("django.request")]


def whoever(event: Event, request: Request) -> None:
    event["userId"] = str(request.environ["django.request"].user.pk)


class EnrichersBelowTheAuthentication(TestCase):
    def test_know_the_user(self) -> None:
        events: list[Event] = []
        self.client.force_login(user := User.objects.create(username="somebody"))
        above = ["django.contrib.sessions.middleware.SessionMiddleware"]
        above += ["django.contrib.auth.middleware.AuthenticationMiddleware"]
        setting = {"SINK": events.append, "ENRICH": [f"{__name__}.whoever"]}
        with override_settings(MIDDLEWARE=[*above, django_site.MIDDLEWARE], PIXELMW=setting):
            assert self.client.get(TRACK).status_code == 200
            assert asyncio.run(self.asked_async()) == 200
        assert events[0]["userId"] == str(user.pk)

    async def asked_async(self) -> int:
        client = AsyncClient()
        client.cookies = self.client.cookies
        response = await client.get(TRACK)
        return int(response.status_code)


class Sink:
    """A sink that notes what became of it."""

    made: list[Sink] = []  # noqa: RUF012 - each test empties it

    def __init__(self) -> None:
        self.closed = 0
        self.made.append(self)

    def __call__(self, event: Event) -> None:
        """Nothing to do."""

    def close(self) -> None:
        self.closed += 1


def test_a_sink_that_is_a_class_is_made_once_and_closed_when_the_setting_changes() -> None:
    Sink.made.clear()
    with override_settings(PIXELMW={"SINK": f"{__name__}.Sink"}):
        assert Sink.made == []
        for client in (Client(), Client()):
            assert client.get(TRACK).status_code == 200
        (sink,) = Sink.made
        assert sink.closed == 0
    assert sink.closed == 1


sink_of_the_project = Sink()


@pytest.mark.parametrize("sink", [sink_of_the_project, f"{__name__}.sink_of_the_project"], ids=["object", "path"])
def test_a_sink_of_the_users_is_left_open(sink: Any) -> None:
    with override_settings(PIXELMW={"SINK": sink}):
        assert Client().get(TRACK).status_code == 200
    assert sink_of_the_project.closed == 0


signer = Signer(["the key of the tests"])


def test_every_argument_may_be_a_dotted_path() -> None:
    setting = {
        "SINK": f"{__name__}.events.append",
        "SIGNER": f"{__name__}.signer",
        "UNSIGNED": "allow",
        "PATHS": "pixelmw.PATHS",
        "REPLY": "ok",
        "WRITE_KEYS": f"{__name__}.source_of",
    }
    events.clear()
    with override_settings(PIXELMW=setting):
        assert Client().get(TRACK).content == b"OK"
    assert events[0]["context"]["source"] == "source of k"


events: list[Event] = []


def source_of(write_key: str) -> str:
    return f"source of {write_key}"


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        pytest.param({}, "has no SINK", id="no sink"),
        pytest.param({"SINK": print, "SINKS": 1}, "'SINKS'. Did you mean 'SINK'?", id="a misspelt key"),
        pytest.param({"SINK": print, "COLOUR": 1}, "'COLOUR'. Known are SINK, PATHS", id="an unknown key"),
        pytest.param({"SINK": "no_such_shop.sink"}, "No module named 'no_such_shop'", id="a sink that is nowhere"),
        pytest.param({"SINK": "pixelmw.nosink"}, "nothing at 'pixelmw.nosink'", id="a sink that is not there"),
        pytest.param({"SINK": "pixelmw.sinks.JSONLines"}, "cannot be made: TypeError", id="a class with arguments"),
        pytest.param({"SINK": print, "ENRICH": ["shop.x"]}, "'ENRICH'", id="an enricher that is nowhere"),
        pytest.param({"SINK": print, "WRITE_KEYS": "secret"}, "single string", id="a single key"),
        pytest.param({"SINK": print, "REPLY": "png"}, "known are gif", id="an unknown reply"),
        pytest.param([("SINK", print)], "give a dict", id="no dict"),
    ],
)
def test_a_mistake_in_the_setting_ends_the_start_of_the_server(setting: Any, told: str) -> None:
    with override_settings(PIXELMW=setting), pytest.raises(ImproperlyConfigured) as caught:
        WSGIHandler()
    assert told in str(caught.value)


def test_the_other_middleware_says_which_one_to_take() -> None:
    with (
        modify_settings(MIDDLEWARE={"append": "pixelmw.PixelMiddleware"}),
        pytest.raises(TypeError, match=r"take pixelmw\.contrib\.django\.PixelMiddleware"),
    ):
        WSGIHandler()
    wrapped: Any = pixelmw.PixelMiddleware(host_app, print)
    with pytest.raises(TypeError, match=r"start_response is missing.*take pixelmw\.contrib\.django"):
        wrapped(RequestFactory().get("/"))


def test_it_is_asynchronous_where_what_it_wraps_is() -> None:
    async def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    answer = PixelMiddleware(view)(RequestFactory().get("/else"))
    assert asyncio.iscoroutine(answer)
    asyncio.run(answer)
    assert isinstance(PixelMiddleware(lambda request: HttpResponse())(RequestFactory().get("/else")), HttpResponse)
    with pytest.raises(AttributeError):
        project.nothing  # noqa: B018
