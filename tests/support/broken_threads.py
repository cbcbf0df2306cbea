"""Sinks that are in order with one thread, and break the contract with several."""

from __future__ import annotations

import json
import os
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pixelmw import Event
from pixelmw.sinks import PartialFailure, Unavailable, Undeliverable
from tests.support.broken_sinks import Store


class Plain:
    """A callable without ``write``, which nobody calls in turns.

    :ivar texts: what is stored.
    """

    def __init__(self) -> None:
        self.texts: list[str] = []

    def read_back(self) -> list[Event]:
        return [json.loads(text) for text in self.texts]


class Races(Plain):
    """Reads what is stored, adds to it, and writes all of it: what another thread stored in between is gone."""

    def __call__(self, event: Event) -> None:
        stored = list(self.texts)
        stored.append(json.dumps(event))
        self.texts = stored


class RacesInOneLine(Plain):
    """Has a race that no server has met yet: one instruction reads the list, and the next one writes it."""

    def __call__(self, event: Event) -> None:
        self.texts = self.texts + [json.dumps(event)]  # noqa: RUF005 - as somebody wrote it


class SharesTheVerdict(Store):
    """Tells all calls that were under way of what was wrong with one of them."""

    refusals = 0

    def __call__(self, event: Event) -> None:
        before = self.refusals
        try:
            self.write([event])
        except PartialFailure:
            self.refusals += 1
        if self.refusals != before:
            raise Undeliverable("one of these is too large")


class TellsOnce(Store):
    """Tells of an outage once: somebody did not want to read the same line again and again."""

    has_told = False

    def __call__(self, event: Event) -> None:
        try:
            self.write([event])
            self.has_told = False
        except Unavailable:
            if not self.has_told:
                self.has_told = True
                raise


class WaitsForEver(Store):
    """Has a timeout, and waits for its store as long as that takes."""

    timeout = 0.2

    def __init__(self) -> None:
        super().__init__()
        self.answers = threading.Event()
        self.answers.set()

    def write(self, events: Sequence[Event]) -> None:
        self.answers.wait()
        super().write(events)

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Let it answer nothing."""
        self.answers.clear()
        yield
        self.answers.set()


class TakesApart(Store):
    """Takes the event apart before it finds that it cannot store it."""

    def write(self, events: Sequence[Event]) -> None:
        contexts = [event.pop("context") for event in events]
        super().write([{**event, "context": context} for event, context in zip(events, contexts, strict=True)])
        for event, context in zip(events, contexts, strict=True):
            event["context"] = context


class LetsSomeWait(Store):
    """Lets every other event of a thread wait for a flush, if it is not the first thread's."""

    def __init__(self) -> None:
        super().__init__()
        self.owner = threading.get_ident()
        self.late: list[Event] = []
        self.counts: dict[int, int] = {}

    def __call__(self, event: Event) -> None:
        thread = threading.get_ident()
        self.counts[thread] = self.counts.get(thread, 0) + 1
        if thread != self.owner and self.counts[thread] % 2:
            self.late.append(event)
        else:
            self.write([event])

    def flush(self, timeout: float | None = None) -> bool:
        while self.late:
            self.write([self.late.pop(0)])
        return True


class ClosesUnderItsCalls(Plain):
    """Closes its connection whoever uses it."""

    connection: list[str] | None = None

    def __call__(self, event: Event) -> None:
        self.write([event])

    def write(self, events: Sequence[Event]) -> None:
        if self.connection is None:
            self.connection = self.texts
        texts = [json.dumps(event) for event in events for _ in range(50)][::50]
        self.connection.extend(texts)

    def close(self, timeout: float | None = None) -> None:
        self.connection = None


class LeavesItsBufferToChildren(Store):
    """Has what it is about to store in a buffer. A child has it, too, and stores it once more, in the same file."""

    def __init__(self) -> None:
        super().__init__()
        self.file, path = tempfile.mkstemp()
        Path(path).unlink()
        self.waiting: list[Event] = []
        self.own, self.pid = threading.Lock(), os.getpid()

    def __call__(self, event: Event) -> None:
        if self.pid != os.getpid():
            self.own, self.pid = threading.Lock(), os.getpid()
        with self.own:
            self.waiting.append(event)
            try:
                self.write(self.waiting)
            finally:
                self.waiting.clear()

    def keep(self, text: str) -> None:
        os.write(self.file, text.encode() + b"\n")

    def read_back(self) -> list[Event]:
        return [json.loads(line) for line in os.pread(self.file, 10**8, 0).splitlines()]


class KeepsItsLock(Store):
    """Gives its lock back where all goes well."""

    def __init__(self) -> None:
        super().__init__()
        self.own = threading.Lock()

    def __call__(self, event: Event) -> None:
        self.own.acquire()
        try:
            self.write([event])
        except Exception:
            self.own.release()
            raise
        self.own.release()
