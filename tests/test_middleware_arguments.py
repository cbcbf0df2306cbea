"""What the middleware is made of: its arguments, a collector of its own or a ready one, and mistakes in them."""

from __future__ import annotations

from typing import Any
from wsgiref.types import WSGIEnvironment

import pytest
from werkzeug.wrappers import Request

from pixelmw import Collector, Event, Limits, PixelMiddleware, Rejected
from pixelmw.replies import GIF
from tests.support.pixel import host_app, no_matter

GOOD = "writeKey=k&anonymousId=a&event=e"


def environ_for(query: str, path: str = "/pixel/v1/track") -> WSGIEnvironment:
    return {"REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": query}


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        pytest.param({"app": "app"}, TypeError, "wsgi_app", id="an app that is none"),
        pytest.param({"sink": []}, TypeError, "its append", id="a list itself"),
        pytest.param({"paths": "/x"}, TypeError, "maps paths", id="a single path"),
        pytest.param({"paths": {}}, ValueError, "empty", id="no paths"),
        pytest.param({"paths": {"x": "page"}}, ValueError, "slash", id="a path without a slash"),
        pytest.param({"paths": {5: "page"}}, ValueError, "string", id="a path that is no string"),
        pytest.param({"paths": {"/x": "pgae"}}, ValueError, "'pgae'; known are page", id="an unknown type of a path"),
        pytest.param({"schemas": {"pgae": {}}}, ValueError, "'pgae'; known are page", id="an unknown type of a schema"),
        pytest.param({"schemas": [{}]}, TypeError, "maps event types", id="schemas that are no mapping"),
        pytest.param({"schemas": {"page": True}}, TypeError, "is a dict", id="a schema that is no dict"),
        pytest.param({"schemas": {"page": {"type": "strin"}}}, ValueError, "not a JSON Schema", id="a bad schema"),
        pytest.param({"enrich": print}, TypeError, "list of callables", id="a single enricher"),
        pytest.param({"enrich": None}, TypeError, "list of callables", id="no list of enrichers"),
        pytest.param({"enrich": ["client_context"]}, TypeError, "an enricher", id="an enricher that is none"),
        pytest.param({"on_reject": None}, TypeError, "on_reject", id="no on_reject"),
        pytest.param({"limits": {"params": 5}}, TypeError, "pixelmw.Limits", id="limits as a dict"),
    ],
)
def test_a_mistake_in_the_arguments_is_told_at_construction(
    options: dict[str, Any], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        PixelMiddleware(**{"app": host_app, "sink": print, **options})


def test_the_arguments_of_the_middleware_reach_its_collector() -> None:
    def add(event: Event, request: Request) -> None:
        event["added"] = "yes"

    events: list[Event] = []
    refusals: list[Rejected] = []
    middleware = PixelMiddleware(
        host_app,
        events.append,
        schemas={"track": {"properties": {"n": {"type": "integer"}}}},
        write_keys={"k": "web"},
        enrich=[add],
        on_reject=refusals.append,
        limits=Limits(params=5),
    )
    for query in (f"{GOOD}&n=5", f"{GOOD}&n=x", f"{GOOD}&a=1&b=2&c=3", GOOD.replace("=k", "=other")):
        middleware(environ_for(query), no_matter)
    (event,) = events
    assert (event["n"], event["added"], event["context"]) == (5, "yes", {"source": "web"})
    assert [refusal.code for refusal in refusals] == ["invalid", "too-large", "unauthorized"]


def test_a_middleware_around_a_collector_has_that_collector() -> None:
    events: list[Event] = []
    collector = Collector(events.append, schemas={"track": {}}, clock=lambda: 0)
    first = PixelMiddleware.around(host_app, collector, paths={"/t.gif": "track"}, reply="ok")
    second = PixelMiddleware.around(host_app, collector)
    assert first.collector is second.collector is collector
    assert b"".join(first(environ_for("writeKey=k", "/t.gif"), no_matter)) == b"OK"
    assert b"".join(second(environ_for("writeKey=k"), no_matter)) == GIF
    assert [event["receivedAt"] for event in events] == ["1970-01-01T00:00:00.000Z"] * 2
    assert collector.stats() == {"accepted": 2}


def test_a_middleware_of_the_users_class_stays_one() -> None:
    class Mine(PixelMiddleware):
        pass

    assert type(Mine.around(host_app, Collector(print))) is Mine


@pytest.mark.parametrize(
    ("arguments", "options", "error", "told"),
    [
        pytest.param(["app", Collector(print)], {}, TypeError, "wsgi_app", id="an app that is none"),
        pytest.param([host_app, print], {}, TypeError, "pixelmw.Collector", id="a sink instead of a collector"),
        pytest.param([host_app, Collector(print)], {"paths": {}}, ValueError, "empty", id="no paths"),
        pytest.param([host_app, Collector(print)], {"paths": {"/x": "pgae"}}, ValueError, "'pgae'; known", id="a type"),
        pytest.param([host_app, Collector(print)], {"reply": "png"}, ValueError, "always-gif", id="an unknown reply"),
    ],
)
def test_a_mistake_in_the_arguments_is_told_for_a_ready_collector_too(
    arguments: list[Any], options: dict[str, Any], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        PixelMiddleware.around(*arguments, **options)
