"""Sinks that take batches, of which the first write waits, and many visitors who come meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence

from pixelmw import Event
from pixelmw.asgi import PixelASGI
from pixelmw.sinks import BatchSink
from tests.support.asgi import ask
from tests.support.asgi_hosts import track

MANY = 64


async def statuses(app: PixelASGI, count: int = MANY) -> list[int]:
    answers = await asyncio.gather(*(ask(app, track(str(number))) for number in range(count)))
    return [status for status, _, _ in answers]


class Plain(BatchSink):
    """Keeps what it stores, and how much at a time; the first write waits until it is let go on."""

    def __init__(self) -> None:
        self.stored: list[str] = []
        self.sizes: list[int] = []
        self.go_on = threading.Event()
        self.threads: set[int] = set()

    def write(self, events: Sequence[Event]) -> None:
        self.threads.add(threading.get_ident())
        self.sizes.append(len(events))
        if len(self.sizes) == 1:
            self.go_on.wait(20)
        self.judge(events)
        self.stored += [event["userId"] for event in events]

    def judge(self, events: Sequence[Event]) -> None:
        """What the subclasses object to."""


class Awaited(BatchSink):
    """The same as an async def."""

    def __init__(self) -> None:
        self.plain = Plain()

    @property
    def stored(self) -> list[str]:
        return self.plain.stored

    @property
    def sizes(self) -> list[int]:
        return self.plain.sizes

    @property
    def go_on(self) -> threading.Event:
        return self.plain.go_on

    async def write(self, events: Sequence[Event]) -> None:  # type: ignore[override]
        while not self.sizes and not self.go_on.is_set():
            await asyncio.sleep(0.001)
        await asyncio.sleep(0)
        self.plain.go_on.set()
        self.plain.write(events)


def refusing(sink: Plain | Awaited, judge: Callable[[Sequence[Event]], None]) -> Plain | Awaited:
    (sink.plain if isinstance(sink, Awaited) else sink).judge = judge  # type: ignore[assignment, method-assign]
    return sink


async def all_at_once(app: PixelASGI, sink: Plain | Awaited, count: int = MANY, waiting: int = MANY) -> list[int]:
    """Ask for *count* events, of which one is under way until *waiting* have come."""
    asked = asyncio.ensure_future(statuses(app, count))
    while app.waiting < waiting and not asked.done():
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.01)
    sink.go_on.set()
    return await asked
