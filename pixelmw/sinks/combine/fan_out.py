"""A sink that gives each event to several sinks."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Sequence

from ...events import Event, Sink
from ...system.callables import raise_if_unfinished
from ..base import BatchSink, PartialFailure, check_of
from ..encoding import encode
from ..errors import group_of
from ..together import store
from .members import SinkGroup, failures_by_place


def fan_out(*sinks: Sink) -> BatchSink:
    """Return a sink that gives each of *sinks* its own copy of the event, or of the batch.

    All of them are tried, in order. A client that hears of a failure may send
    the event again. The sinks that had stored it then get it twice, with the
    same messageId. An event of a batch fails only if one of the sinks did not
    store this event, whatever becomes of the others.

    An event that the ``check`` of one of the sinks refuses is given to none of them.
    ``flush`` and ``close`` are passed on to the sinks that have them, and so is
    ``with``.

    :raises ExceptionGroup: when called, with everything that the sinks raised.
        It is ``Unavailable``, too, if that is all they say, and ``Undeliverable`` likewise.
    :raises PartialFailure: from ``write``, for each event that any sink failed
        to store: its error, or an ``ExceptionGroup`` if several sinks failed.
    :raises ValueError: if there are no sinks.
    :raises TypeError: if one of them is not callable, a class, an ``async def`` or a generator function.
    """
    if not sinks:
        raise ValueError("fan_out needs at least one sink")
    return _FanOut(sinks)


class _FanOut(SinkGroup):
    def __init__(self, sinks: Sequence[Sink]) -> None:
        super().__init__("fan_out", sinks)
        self._checks = [check for sink in sinks if (check := check_of(sink)) is not None]

    def __call__(self, event: Event) -> None:
        if self._checks:
            self.check(event, encode(event))
        errors = []
        for sink in self._sinks:
            try:
                raise_if_unfinished("a sink of fan_out", sink, sink(copy.deepcopy(event)))
            except Exception as error:
                errors.append(error)
        if errors:
            raise self._as_group(errors)

    def check(self, event: Event, encoded: bytes) -> None:
        """Ask each sink that has a ``check``.

        :raises ExceptionGroup: with what they raised; it is ``Undeliverable``, too, if that is all they say.
        """
        errors = []
        for check in self._checks:
            try:
                check(event, encoded)
            except Exception as error:
                errors.append(error)
        if errors:
            raise self._as_group(errors)

    def write(self, events: Sequence[Event]) -> None:
        failures: defaultdict[int, list[Exception]] = defaultdict(list)
        for place, error in self._refused(events).items():
            failures[place].append(error)
        places = [place for place in range(len(events)) if place not in failures]
        for sink in self._sinks if places else ():
            try:
                store(sink, copy.deepcopy([events[place] for place in places]))
            except Exception as raised:
                for number, each in failures_by_place(raised, len(places)).items():
                    errors = failures[places[number]]
                    if each is not None:
                        errors.append(each)
        if failures:
            raise PartialFailure({place: self._one_error(errors) for place, errors in sorted(failures.items())})

    def _refused(self, events: Sequence[Event]) -> dict[int, Exception]:
        """Return what the checks raised, by the place of each event that is to be given to no sink."""
        refused: dict[int, Exception] = {}
        for place, event in enumerate(events) if self._checks else ():
            try:
                self.check(event, encode(event))
            except Exception as error:
                refused[place] = error
        return refused

    def stats(self) -> dict[str, int]:
        """Return ``repeated``, added up over the sinks that tell how many events they had already, if any does."""
        repeated = self._repeated()
        return {} if repeated is None else {"repeated": repeated}

    def _one_error(self, errors: list[Exception]) -> Exception | None:
        return self._as_group(errors) if len(errors) > 1 else next(iter(errors), None)

    def _as_group(self, errors: list[Exception]) -> Exception:
        return group_of(f"{len(errors)} of {len(self._sinks)} sinks failed", errors)
