"""What a type checker makes of the public API: mypy reads this file, and nobody runs it.

``assert_type`` says what users get. A ``type: ignore`` marks a mistake that mypy tells them of: the strict setting
``warn_unused_ignores`` complains where it does not.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, assert_type
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from sqlalchemy import create_engine
from werkzeug.wrappers import Request, Response

from pixelmw import (
    PATHS,
    SEGMENT_PATHS,
    Collector,
    Discard,
    Event,
    Limits,
    PixelMiddleware,
    Rejected,
    Sink,
)
from pixelmw.delivery import Background, BackgroundStats, DeliveryStats, Full, Retry, Spool, SpoolStats
from pixelmw.delivery.metrics import Metrics
from pixelmw.enrich import client_context
from pixelmw.replies import Reply
from pixelmw.sinks import JSONLines, Log, SQLite, fallback, fan_out
from pixelmw.sinks.base import BatchSink, PartialFailure, SinkError, Unavailable, Undeliverable, batch_writer
from pixelmw.sinks.http import HTTP
from pixelmw.sinks.kafka import Kafka
from pixelmw.sinks.redis import RedisStream
from pixelmw.sinks.sql import SQL


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """A WSGI application of the user's."""
    return []


def add_tenant(event: Event, request: Request) -> None:
    """An enricher of the user's."""
    if request.headers.get("DNT") == "1":
        raise Discard
    if "tenant" not in event:
        raise Rejected("invalid", "tenant is required", path="tenant", rule="required")


class JSONReply:
    """A reply of the user's: it needs no base class."""

    def accepted(self, environ: WSGIEnvironment) -> Response:
        return Response("{}")

    def refused(self, environ: WSGIEnvironment, refusal: Rejected) -> Response:
        return Response("{}", refusal.status)


class HalfAReply:
    """It cannot answer a refusal."""

    def accepted(self, environ: WSGIEnvironment) -> WSGIApplication:
        return application


class Ledger(BatchSink):
    """A sink of the user's that takes batches."""

    def write(self, events: Sequence[Event]) -> None:
        """Store nothing of it."""
        raise PartialFailure({0: Undeliverable("too large"), 1: None})


class NoLedger(BatchSink):
    """It lacks the one method that a subclass has to have."""


class Mine(PixelMiddleware):
    """A middleware of the user's."""


class MySpool(Spool):
    """A spool of the user's."""


def the_middleware(
    events: list[Event], refusals: list[Rejected], environ: WSGIEnvironment, start_response: StartResponse
) -> None:
    """The arguments of the middleware, and what it is."""
    middleware = PixelMiddleware(
        application,
        events.append,
        paths={**PATHS, "/t.gif": "track"},
        schemas={"track": {"required": ["event"]}},
        write_keys={"key": "source"},
        reply="auto",
        enrich=[client_context, add_tenant],
        on_reject=refusals.append,
        limits=Limits(params=64),
    )
    wrapped: WSGIApplication = middleware
    PixelMiddleware(wrapped, print)
    assert_type(middleware(environ, start_response), Iterable[bytes])
    assert_type(middleware.app, WSGIApplication)
    assert_type(middleware.collector, Collector)
    assert_type(Mine.around(application, middleware.collector, reply=JSONReply()), Mine)
    assert_type(PATHS | SEGMENT_PATHS, dict[str, str])

    PixelMiddleware(application, events)  # type: ignore[arg-type]
    PixelMiddleware(application, lambda: None)  # type: ignore[arg-type, misc]
    PixelMiddleware(application)  # type: ignore[call-arg]
    PixelMiddleware(application, print, PATHS)  # type: ignore[call-arg]
    PixelMiddleware(application, print, path=PATHS)  # type: ignore[call-arg]
    PixelMiddleware(application, print, paths={"/t.gif": 5})  # type: ignore[dict-item]
    PixelMiddleware(application, print, enrich=client_context)  # type: ignore[arg-type]
    PixelMiddleware(application, print, on_reject=None)  # type: ignore[arg-type]
    PixelMiddleware(application, print, limits={"params": 64})  # type: ignore[arg-type]
    PixelMiddleware("application", print)  # type: ignore[arg-type]
    PixelMiddleware.around(application, print)  # type: ignore[arg-type]


def write_keys(keys: list[str], sources: dict[str, str]) -> None:
    """Each shape that write_keys may have."""
    for given in ("any", "optional"):
        PixelMiddleware(application, print, write_keys=given)
    for collection in (keys, set(keys), tuple(keys), sources.keys()):
        PixelMiddleware(application, print, write_keys=collection)
    PixelMiddleware(application, print, write_keys=sources)
    PixelMiddleware(application, print, write_keys=sources.get)
    PixelMiddleware(application, print, write_keys=lambda key: "source" if key in keys else None)
    PixelMiddleware(application, print, write_keys=5)  # type: ignore[arg-type]
    PixelMiddleware(application, print, write_keys=lambda key: key in keys)  # type: ignore[arg-type, return-value]


def replies() -> None:
    """The names of replies, and objects."""
    own: Reply = JSONReply()
    PixelMiddleware(application, print, reply=own)
    PixelMiddleware(application, print, reply="gif")
    PixelMiddleware(application, print, reply="ok")
    PixelMiddleware(application, print, reply="always-gif")
    PixelMiddleware(application, print, reply="png")  # type: ignore[arg-type]
    PixelMiddleware(application, print, reply=HalfAReply())  # type: ignore[arg-type]
    PixelMiddleware(application, print, reply=JSONReply)  # type: ignore[arg-type]


def the_collector(environ: WSGIEnvironment) -> None:
    """The collector, and what it gives."""
    collector = Collector(print, clock=lambda: 0.0, new_id=lambda: "id")
    assert_type(collector.collect("track", environ), dict[str, Any])
    assert_type(collector.stats(), dict[str, int])
    assert_type(collector.event_types, tuple[str, ...])
    Collector(print, clock=lambda: "now")  # type: ignore[arg-type, return-value]
    Collector(print, new_id=5)  # type: ignore[arg-type]


def refusals(refusal: Rejected) -> None:
    """The evidence that a refusal carries."""
    assert_type(refusal.code, str)
    assert_type(refusal.status, int)
    assert_type(refusal.message, str)
    assert_type(refusal.path, str | None)
    assert_type(refusal.rule, str | None)
    assert_type(refusal.event_type, str | None)
    assert_type(refusal.event, dict[str, Any] | None)
    assert_type(refusal.query, str)
    refusal.query = "writeKey=k"  # type: ignore[misc]
    refusal.event["event"]  # type: ignore[index]
    Rejected("invalid")  # type: ignore[call-arg]
    Rejected("invalid", "why", "a.b")  # type: ignore[call-arg]


def limits() -> None:
    """Limits are numbers, and nobody changes them."""
    assert_type(Limits().query_bytes, int)
    Limits(params="many")  # type: ignore[arg-type]
    Limits(parameters=5)  # type: ignore[call-arg]
    Limits().depth = 5  # type: ignore[misc]


def sinks(path: Path) -> None:
    """Whatever takes an event is a sink."""
    events: list[Event] = []
    own: Sink = events.append
    for sink in (own, print, Ledger(), Log("events"), Log(logging.getLogger(), logging.DEBUG)):
        PixelMiddleware(application, sink)
    for stored in (SQLite(path), JSONLines(str(path), sync=False), SQL("sqlite://"), SQL(create_engine("sqlite://"))):
        PixelMiddleware(application, stored)
    for sent in (Kafka("topic", linger_ms=5), RedisStream("redis://", "events", 1000), HTTP("https://x", "key")):
        PixelMiddleware(application, sent)
    with Ledger() as ledger, SQLite(path) as database:
        assert_type(ledger, Ledger)
        assert_type(database, SQLite)
    assert_type(ledger.flush(5), bool)
    assert_type(fan_out(print, ledger), BatchSink)
    assert_type(fallback(ledger, print), BatchSink)
    assert_type(fallback(ledger, print, clock=time.monotonic), BatchSink)
    assert_type(batch_writer(print)([]), object)
    NoLedger()  # type: ignore[abstract]
    SQLite(5)  # type: ignore[arg-type]
    fallback(print)  # type: ignore[call-arg]
    SQL(path)  # type: ignore[arg-type]


def sink_errors(failure: PartialFailure) -> None:
    """What sinks raise."""
    assert_type(failure.failures, Mapping[int, Exception | None])
    assert_type(Unavailable("down", retry_after=5).retry_after, float | None)
    errors: list[SinkError] = [failure, Unavailable("down"), Undeliverable("too large"), Full("no room")]
    errors.append(ValueError("too large"))  # type: ignore[arg-type]
    Unavailable("down", 5)  # type: ignore[call-arg]
    PartialFailure([ValueError("too large")])  # type: ignore[arg-type]


def delivery(path: Path) -> None:
    """Spool and Background, and their figures."""
    retry = Retry(first=1, attempts=None)
    with Spool(path, print, sync="never", max_bytes=10**9, when_full="drop", retry=retry, dead_letter=print) as spool:
        assert_type(spool, Spool)
    with MySpool(path, print) as mine:
        assert_type(mine, MySpool)
    with Background(Ledger(), max_queue=5, max_batch=5, max_delay=1, when_full="refuse") as background:
        assert_type(background, Background)
    assert_type(spool.stats(), SpoolStats)
    assert_type(background.stats(), BackgroundStats)
    assert_type(spool.stats()["queued"], int)
    assert_type(spool.stats()["oldest"], float)
    assert_type(spool.stats()["bytes"], int)
    assert_type(spool.dropped, int)
    assert_type(background.flush(), bool)
    figures: list[DeliveryStats] = [spool.stats(), background.stats()]
    Metrics(PixelMiddleware(application, spool), spool=spool, queue=background)
    Metrics(Collector(print))

    background.stats()["bytes"]  # type: ignore[typeddict-item]
    figures[0]["queue"]  # type: ignore[typeddict-item]
    Spool(path, print, sync="sometimes")  # type: ignore[arg-type]
    Spool(path, print, when_full="block")  # type: ignore[arg-type]
    Spool(print)  # type: ignore[call-arg, arg-type]
    Background(print, retry=5)  # type: ignore[arg-type]
    Background(print, 5)  # type: ignore[call-arg]
    retry.first = 5  # type: ignore[misc]
    Metrics(application)  # type: ignore[arg-type]
    Metrics(sink=print)  # type: ignore[arg-type]
