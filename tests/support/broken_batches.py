"""Sinks that break the contract in what they do with batches, and in whose fault they say that a failure is."""

from __future__ import annotations

import copy
from collections.abc import Sequence

from pixelmw import Event
from pixelmw.sinks import PartialFailure, Unavailable, Undeliverable
from tests.support.broken_sinks import Store


class Mutates(Store):
    def write(self, events: Sequence[Event]) -> None:
        super().write(events)
        for event in events:
            event["context"].pop("ip")


class Sorts(Store):
    def write(self, events: Sequence[Event]) -> None:
        super().write(sorted(events, key=lambda event: str(event["messageId"])))


class BlamesTheNext(Store):
    def write(self, events: Sequence[Event]) -> None:
        try:
            super().write(events)
        except PartialFailure as failure:
            count = len(events)
            raise PartialFailure({(place + 1) % count: error for place, error in failure.failures.items()}) from None


class RaisesHalfway(Store):
    """Stores the events in front of the one at fault, and then raises."""

    def write(self, events: Sequence[Event]) -> None:
        for event in events:
            try:
                super().write([event])
            except PartialFailure as failure:
                raise failure.failures[0] or failure from None


class KeepsAReference(Store):
    def __init__(self) -> None:
        super().__init__()
        self.events: list[Event] = []

    def write(self, events: Sequence[Event]) -> None:
        self.events += events

    def read_back(self) -> list[Event]:
        return copy.deepcopy(self.events)


class KeepsTheList(Store):
    def __init__(self) -> None:
        super().__init__()
        self.batches: list[Sequence[Event]] = []

    def write(self, events: Sequence[Event]) -> None:
        self.batches.append(events)

    def __call__(self, event: Event) -> None:
        self.write([copy.deepcopy(event)])

    def read_back(self) -> list[Event]:
        return [copy.deepcopy(event) for batch in self.batches for event in batch]


class CountsFromOne(Store):
    def write(self, events: Sequence[Event]) -> None:
        try:
            super().write(events)
        except PartialFailure as failure:
            raise PartialFailure({place + 1: error for place, error in failure.failures.items()}) from None


class CallsOutagesUndeliverable(Store):
    def write(self, events: Sequence[Event]) -> None:
        try:
            super().write(events)
        except Unavailable as error:
            raise Undeliverable(str(error)) from error


class LosesAfterAFailure(Store):
    """Thinks that it has stored what it was given last, and so drops the next batch."""

    failed = False

    def write(self, events: Sequence[Event]) -> None:
        if self.failed:
            self.failed = False
            return
        try:
            super().write(events)
        except Unavailable:
            self.failed = True
            raise


class Quotes(Store):
    """Says which event it refuses, and all of it."""

    def write(self, events: Sequence[Event]) -> None:
        try:
            super().write(events)
        except PartialFailure as failure:
            raise PartialFailure({at: Undeliverable(f"no room for {events[at]}") for at in failure.failures}) from None
