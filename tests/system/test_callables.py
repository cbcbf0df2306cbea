"""What is given to be called is looked at once at construction, in the same way wherever it is given."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.asgi import get_asgi_application
from werkzeug.wrappers import Response

from pixelmw import Collector, Event, PixelMiddleware
from pixelmw.delivery import Background, Spool
from pixelmw.sinks import BatchSink, SQLite, fallback, fan_out
from tests.support import django_site
from tests.support.lazy import ASYNC, FOUND_AT_THE_CALL, NOT_RUN, Plain, coroutine_function, generator_function
from tests.support.pixel import host_app


class Answers:
    """A reply with the methods that are given."""

    def __init__(self, accepted: Any = None, refused: Any = None) -> None:
        self.accepted = accepted or (lambda environ: Response("stored"))
        self.refused = refused or (lambda environ, refusal: Response("refused"))


# Where something to be called is given, and what the error calls it.
PLACES: dict[str, Callable[[Any], object]] = {
    "sink": lambda value: PixelMiddleware(host_app, value),
    "sink of a collector": lambda value: Collector(value),
    "an enricher": lambda value: PixelMiddleware(host_app, print, enrich=[value]),
    "write_keys": lambda value: PixelMiddleware(host_app, print, write_keys=value),
    "on_reject": lambda value: PixelMiddleware(host_app, print, on_reject=value),
    "clock": lambda value: Collector(print, clock=value),
    "new_id": lambda value: Collector(print, new_id=value),
    "the method accepted of reply": lambda value: PixelMiddleware(host_app, print, reply=Answers(accepted=value)),
    "the method refused of reply": lambda value: PixelMiddleware(host_app, print, reply=Answers(refused=value)),
    "a sink of fan_out": lambda value: fan_out(print, value),
    "a sink of fallback": lambda value: fallback(value, print),
    "a sink of fallback, the second": lambda value: fallback(print, value),
    "sink of a Background": lambda value: Background(value),
    "sink of a Spool": lambda value: Spool("never-made", value),
    "dead_letter": lambda value: Background(print, dead_letter=value),
}


@pytest.mark.parametrize("kind", [*ASYNC, *NOT_RUN])
@pytest.mark.parametrize("place", PLACES)
def test_what_would_run_nothing_is_refused_at_construction(place: str, kind: str) -> None:
    value = {**ASYNC, **NOT_RUN}[kind]
    named = place.partition(",")[0].partition(" of a ")[0]
    with pytest.raises(TypeError, match=rf"^{named} .*{re.escape(repr(value))}.*: give ") as caught:
        PLACES[place](value)
    told = {"a class": "a class", "a built-in class": "a class"}
    assert told.get(kind, "a generator function" if kind in NOT_RUN else "an async def") in str(caught.value)


@pytest.mark.parametrize("place", PLACES)
def test_what_runs_is_taken(place: str, tmp_path: Path) -> None:
    for value in (Plain(), Plain().__call__, lambda *arguments: None, async_to_sync(coroutine_function)):
        PLACES[place](value)
    assert not Path("never-made").exists()


def test_a_lambda_for_each_place_is_taken_although_its_call_will_show_a_coroutine() -> None:
    for place in PLACES.values():
        for value in FOUND_AT_THE_CALL.values():
            place(value)


class AsyncWrite(BatchSink):
    async def write(self, events: Sequence[Event]) -> None:  # type: ignore[override]
        pass


class AsyncClose(BatchSink):
    def write(self, events: Sequence[Event]) -> None:
        pass

    async def close(self, timeout: float | None = None) -> None:  # type: ignore[override]
        pass


class LazyFlush(BatchSink):
    def write(self, events: Sequence[Event]) -> None:
        pass

    def flush(self, timeout: float | None = None) -> Iterator[bool]:  # type: ignore[override]
        yield True


@pytest.mark.parametrize("place", [place for place in PLACES if "sink" in place or place == "dead_letter"])
@pytest.mark.parametrize(("sink", "name"), [(AsyncWrite(), "write"), (AsyncClose(), "close"), (LazyFlush(), "flush")])
def test_the_methods_of_a_sink_are_looked_at_too(place: str, sink: BatchSink, name: str) -> None:
    with pytest.raises(TypeError, match=rf"^the method {name} of .*: give a plain method"):
        PLACES[place](sink)


def test_the_class_of_a_sink_of_ours_in_place_of_an_instance_is_told() -> None:
    with pytest.raises(TypeError, match=r"SQLite.*a class: give an instance"):
        PixelMiddleware(host_app, SQLite)  # type: ignore[arg-type]


def test_a_class_in_place_of_a_reply_is_told() -> None:
    with pytest.raises(TypeError, match=r"^reply is .*Answers.*a class: give an instance"):
        PixelMiddleware(host_app, print, reply=Answers)


# --- the application ---


@pytest.mark.parametrize("kind", ASYNC)
def test_an_asgi_application_is_refused(kind: str) -> None:
    makers: list[Callable[[Any], object]] = [
        lambda app: PixelMiddleware(app, print),
        lambda app: PixelMiddleware.around(app, Collector(print)),
    ]
    for make in makers:
        with pytest.raises(TypeError, match=r"^app is .*an ASGI application.*: wrap it with pixelmw\.asgi\.PixelASGI"):
            make(ASYNC[kind])


def test_the_asgi_application_of_django_is_refused() -> None:
    django_site.configure()
    with pytest.raises(TypeError, match=r"ASGIHandler.*get_wsgi_application"):
        PixelMiddleware(get_asgi_application(), print)  # type: ignore[no-untyped-call,unused-ignore]


@pytest.mark.parametrize("kind", NOT_RUN)
def test_a_generator_function_or_a_class_is_a_legal_application(kind: str) -> None:
    assert PixelMiddleware(NOT_RUN[kind], print).app is NOT_RUN[kind]


def test_a_generator_function_as_application_is_answered_by_the_server() -> None:
    generator: Any = generator_function
    app: Any = PixelMiddleware(generator, print)
    assert list(app({"PATH_INFO": "/"}, lambda *started: None)) == [None]
