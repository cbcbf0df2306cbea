"""A request leaves nothing that only the collector of cycles would find, however it ends in the ASGI shell."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pixelmw import Event, Rejected
from pixelmw.asgi import PixelASGI
from pixelmw.sinks import BatchSink, Undeliverable
from tests.support.asgi import ask
from tests.support.asgi_hosts import host, track

REQUESTS = 20


def fails(*arguments: Any) -> str:
    error = OSError(28, "full")
    raise error


async def fails_at_once(*arguments: Any) -> None:
    fails()


async def fails_later(*arguments: Any) -> None:
    await asyncio.sleep(0)
    fails()


async def refuses(*arguments: Any) -> None:
    error = Rejected("invalid", "why")
    raise error


async def waits(*arguments: Any) -> None:
    await asyncio.sleep(0)


class Batches(BatchSink):
    def __init__(self, judge: Callable[[], object] = list) -> None:
        self.judge = judge

    def write(self, events: Any) -> None:
        self.judge()


class AwaitedBatches(Batches):
    async def write(self, events: Any) -> None:  # type: ignore[override]
        await asyncio.sleep(0)
        self.judge()


def never(*arguments: Any) -> None:
    error = Undeliverable("no")
    raise error


ENDS: dict[str, dict[str, Any]] = {
    "a thread stores": {"sink": lambda event: None},
    "a task refuses at once": {"sink": refuses, "enrich": [waits]},
    "a task stores": {"sink": waits},
    "a batch stores": {"sink": Batches()},
    "an awaited batch stores": {"sink": AwaitedBatches()},
    "a thread fails": {"sink": fails},
    "a task fails at once": {"sink": fails_at_once},
    "a task fails": {"sink": fails_later},
    "a batch fails": {"sink": Batches(fails)},
    "an awaited batch fails": {"sink": AwaitedBatches(fails)},
    "a batch is never taken": {"sink": Batches(never)},
    "an awaited enricher refuses": {"sink": print, "enrich": [refuses]},
    "a thread for on_reject fails": {"sink": print, "enrich": [refuses], "on_reject": fails},
    "it is full": {"sink": print, "max_waiting": 1, "enrich": [lambda event, request: None]},
}


async def least_found(ask_some: Callable[[], Awaitable[object]]) -> int:
    """The fewest objects in cycles after one of a few rounds: in some, others leave what they had."""
    gc.collect()
    gc.freeze()  # what is there already is not looked at each time
    gc.disable()
    try:
        found: list[int] = []
        for _ in range(4):
            await ask_some()
            found.append(gc.collect())
        return min(found)
    finally:
        gc.enable()
        gc.unfreeze()


@pytest.mark.parametrize("name", ENDS)
def test_no_request_leaves_a_cycle(name: str) -> None:
    logging.disable()
    app = PixelASGI(host, **ENDS[name])

    async def ask_some() -> None:
        for _ in range(REQUESTS):
            await ask(app, track("a"))

    try:
        assert asyncio.run(least_found(ask_some)) == 0
    finally:
        logging.disable(logging.NOTSET)


def test_a_request_that_is_cancelled_leaves_no_cycle() -> None:
    async def ask_and_leave(app: PixelASGI, go_on: asyncio.Event) -> None:
        request = asyncio.ensure_future(ask(app, track("a")))
        while not app.waiting:
            await asyncio.sleep(0)
        request.cancel()
        await asyncio.wait([request])
        go_on.set()
        while app.waiting:
            await asyncio.sleep(0)
        go_on.clear()

    async def ask_all() -> int:
        go_on = asyncio.Event()

        async def sink(event: Event) -> None:
            await go_on.wait()

        app = PixelASGI(host, sink)

        async def ask_some() -> None:
            for _ in range(REQUESTS):
                await ask_and_leave(app, go_on)

        return await least_found(ask_some)

    assert asyncio.run(ask_all()) == 0
