"""Sinks that break the contract, each in one way; all others of their ways are in order."""

from __future__ import annotations

import copy
import json
import os
import queue
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from pixelmw import Event
from pixelmw.sinks import BatchSink, PartialFailure, Unavailable, Undeliverable

MOST_CHARS = 50_000  # that a :class:`Store` takes, of one event


class Store(BatchSink):
    """A sink in order: it keeps the text of each event in a list, under a lock, and refuses what is too large.

    :ivar texts: what is stored.
    :ivar is_down: True while it takes nothing.
    """

    most_chars = MOST_CHARS

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.is_down = False
        self.lock = threading.Lock()

    def write(self, events: Sequence[Event]) -> None:
        texts = [json.dumps(event) for event in events]
        if self.is_down:
            raise Unavailable("the store is down")
        large = {place: Undeliverable("too large") for place, text in enumerate(texts) if len(text) > self.most_chars}
        with self.lock:
            for place, text in enumerate(texts):
                if place not in large:
                    self.keep(text)
        if large:
            raise PartialFailure(large)

    def keep(self, text: str) -> None:
        """Store one text; called under the lock."""
        self.texts.append(text)

    def read_back(self) -> list[Event]:
        return [json.loads(text) for text in self.texts]

    @contextmanager
    def down(self) -> Iterator[None]:
        self.is_down = True
        yield
        self.is_down = False


class Swallows(Store):
    def write(self, events: Sequence[Event]) -> None:
        with suppress(Unavailable):  # somebody thought that a visitor should not be bothered
            super().write(events)


class SwallowsTypes(Store):
    def write(self, events: Sequence[Event]) -> None:
        super().write([event for event in events if "event" in event])


class LiesAboutFlush(Store):
    """Stores on a thread, and says at once that it has."""

    most_chars = 10**6

    def __init__(self) -> None:
        super().__init__()
        self.waiting: queue.SimpleQueue[list[Event]] = queue.SimpleQueue()
        threading.Thread(target=self.run, daemon=True).start()

    def write(self, events: Sequence[Event]) -> None:
        self.waiting.put(copy.deepcopy(list(events)))

    def run(self) -> None:
        while True:
            for event in self.waiting.get():
                self.keep(json.dumps(event))

    def flush(self, timeout: float | None = None) -> bool:
        return True


class BelongsToAThread(Store):
    """Raises on any other thread than the one that made it, as a connection of sqlite3 does."""

    def __init__(self) -> None:
        super().__init__()
        self.owner = threading.get_ident()

    def write(self, events: Sequence[Event]) -> None:
        if threading.get_ident() != self.owner:
            raise RuntimeError("objects created in a thread can only be used in that same thread")
        super().write(events)


class DiesAfterFork(Store):
    """Has a thread that stores, which a child does not have."""

    def __init__(self) -> None:
        super().__init__()
        self.pid = os.getpid()

    def write(self, events: Sequence[Event]) -> None:
        if os.getpid() != self.pid:
            raise RuntimeError("the thread is gone")
        super().write(events)


class Truncates(Store):
    def write(self, events: Sequence[Event]) -> None:
        super().write([{name: cut(value) for name, value in event.items()} for event in events])


def cut(value: object) -> object:
    """Cut each text of *value* to 255 characters, as a column does."""
    if isinstance(value, dict):
        return {name: cut(each) for name, each in value.items()}
    return value[:255] if isinstance(value, str) else value


class StoresTwice(Store):
    """Stores an event again after it was told that the first try had gone wrong, though it had not."""

    def write(self, events: Sequence[Event]) -> None:
        super().write(events)
        super().write(events[-1:])


class Coroutine(Store):
    """Would have to be awaited, and nobody does."""

    async def __call__(self, event: Event) -> None:  # type: ignore[override]  # that is what is wrong with it
        self.write([event])


class Hangs(Store):
    """Waits in flush for what never comes, whatever it is told."""

    def flush(self, timeout: float | None = None) -> bool:
        return threading.Event().wait()


class ClosesForEver(Store):
    is_closed = False

    def close(self, timeout: float | None = None) -> None:
        self.is_closed = True

    def write(self, events: Sequence[Event]) -> None:
        if self.is_closed:
            raise ValueError("it is closed")
        super().write(events)
