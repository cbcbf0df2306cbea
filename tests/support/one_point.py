"""Puts a sink to a single point of the contract."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pixelmw.testing.contract.bench import Bench
from pixelmw.testing.contract.flags import Flags
from pixelmw.testing.contract.points import POINTS, found_at
from tests.support.broken_sinks import MOST_CHARS, Store

LARGE = {"properties": {"text": "x" * MOST_CHARS}}
DOWN = "while it is down it raises and loses nothing"
CLOSE = "it can be closed twice and used again"


def found(point: str, sink: Any, read_back: Callable[[], Any] | None = None, **flags: Any) -> str:
    """What the contract finds at *point*; "" if *sink* is in order there."""
    return "\n".join(found_at(POINTS[point], Bench(sink, read_back or sink.read_back, Flags(**flags))))


def changed(**methods: Any) -> Store:
    """A sink that is in order but for *methods*."""
    sink: Store = type("Broken", (Store,), methods)()
    return sink
