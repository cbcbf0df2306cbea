"""Which call of a sink is made, if it has several, and which of its methods may be awaited."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Iterator, Sequence
from typing import Any
from unittest.mock import AsyncMock, MagicMock

import pytest

from pixelmw import Event
from pixelmw.asgi import PixelASGI
from pixelmw.sinks import BatchSink
from tests.support.asgi import ask
from tests.support.asgi_hosts import host, track


def status(app: PixelASGI) -> int:
    return asyncio.run(ask(app, track("a")))[0]


class Own(BatchSink):
    """Has a call of its own, which is made for each event."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    async def __call__(self, event: Event) -> None:  # type: ignore[override]
        self.calls.append("call")

    async def write(self, events: Sequence[Event]) -> None:  # type: ignore[override]
        self.calls.append("write")


class Stream:
    """Is called with events; its ``write`` is about something else."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    async def __call__(self, event: Event) -> None:
        self.calls.append("call")

    async def write(self, data: bytes) -> None:
        self.calls.append("write")


@pytest.mark.parametrize("kind", [Own, Stream])
def test_a_call_of_its_own_comes_before_an_awaited_write(kind: type[Own | Stream]) -> None:
    sink = kind()
    assert status(PixelASGI(host, sink)) == 200
    assert sink.calls == ["call"]


@pytest.mark.parametrize("kind", [MagicMock, AsyncMock])
def test_a_mock_is_called(kind: type[MagicMock]) -> None:
    sink = kind(return_value=None)
    assert status(PixelASGI(host, sink)) == 200
    assert sink.call_count == 1


def test_an_enricher_with_an_awaited_write_is_called_as_it_says() -> None:
    class Enricher:
        def __call__(self, event: Event, request: object) -> None:
            event["properties"] = {"enriched": True}

        async def write(self, data: bytes) -> None:
            raise AssertionError

    events: list[Event] = []
    assert status(PixelASGI(host, events.append, enrich=[Enricher()])) == 200
    assert events[0]["properties"] == {"enriched": True}


def generator(self: object) -> Iterator[None]:
    yield


async def async_generator(self: object) -> Any:
    yield


@pytest.mark.parametrize("name", ["start", "flush", "close"])
@pytest.mark.parametrize("method", [generator, async_generator])
def test_a_method_of_an_awaited_sink_that_would_run_nothing_is_refused(name: str, method: Any) -> None:
    kind = type("Lazy", (Stream,), {name: method})
    with pytest.raises(TypeError, match=f"the method {name} of .*give a plain method, or an async def"):
        PixelASGI(host, kind())


def test_the_figures_of_an_awaited_sink_are_among_those_of_the_shell() -> None:
    class Counting(Stream):
        def stats(self) -> dict[str, int]:
            return {"repeated": 3}

    app = PixelASGI(host, Counting())
    assert status(app) == 200
    assert app.stats() == {"accepted": 1, "repeated": 3}


@pytest.mark.parametrize("is_seen", [True, False])
def test_figures_that_are_to_be_awaited_are_left_out_and_leave_no_coroutine(is_seen: bool) -> None:
    class Counting(Stream):
        async def stats(self) -> dict[str, int]:
            raise AssertionError

    class Hiding(Counting):
        def stats(self) -> Any:
            return super().stats()

    app = PixelASGI(host, Counting() if is_seen else Hiding())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert app.stats() == {}
        gc.collect()
    assert caught == []
