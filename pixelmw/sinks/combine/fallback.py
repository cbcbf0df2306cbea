"""A sink that gives an event to a second sink if the first one does not store it."""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import TypedDict

from ...events import Event, Sink
from ...system.callables import raise_if_unfinished
from ...system.failures import FailureLog, PrivateTexts
from ...system.fork import PerProcess
from ...system.words import private_in_events
from ..base import BatchSink, PartialFailure, Unavailable, Undeliverable, check_of, is_down
from ..encoding import encode
from ..errors import longest_retry_after
from ..together import store
from ..together.search import Untried
from .members import SinkGroup, failures_by_place
from .outage import Attempt, Outage

logger = logging.getLogger("pixelmw.sinks")


class FallbackStats(TypedDict, total=False):
    """The figures of a ``fallback``.

    They are those of one process. Counters begin at zero in each process, also in a forked one.

    :ivar first_is_down: 1 while events go to the second sink without a try of the first one, and else 0.
    :ivar given_to_second: counter of events that the second sink was given.
    :ivar repeated: counter of events that the sinks had already, added up over those that tell.
    """

    first_is_down: int
    given_to_second: int
    repeated: int


def fallback(primary: Sink, secondary: Sink, *, clock: Callable[[], float] = time.monotonic) -> BatchSink:
    """Return a sink that gives an event to *secondary* if *primary* does not store it, and logs why.

    If *primary* is down, which a time-out says, too, each process remembers that, for all its
    threads: events then go to *secondary* at once, and no visitor waits for *primary*. After a pause, one
    call tries *primary* again, and all others still go to *secondary*. The first pause is one second. Each one is
    twice as long, up to 30 seconds, and at least as long as the ``retry_after`` of *primary*, up to
    900 seconds. The order of events across such a change is not kept.

    An event that *primary* refuses, by ``Undeliverable`` or by an error that says nothing about *primary*, goes to
    *secondary*, and the next one to *primary* again. Of a batch, *secondary* gets the events
    that *primary* did not store. ``Undeliverable`` is raised only for an event that neither will
    ever take: if *primary* is down when *secondary* refuses an event, it is ``Unavailable``.

    ``flush`` and ``close`` are passed on to the sinks that have them, and so is
    ``with``. ``stats()`` returns :class:`FallbackStats`.

    :param clock: gives the seconds that pauses are measured by. A test gives one that it moves.
    :raises Exception: when called, what *secondary* raised, with what *primary*
        raised as its context, if it was called.
    :raises TypeError: if one of them is not callable, a class, an ``async def`` or a generator function.
    """
    return _Fallback(primary, secondary, clock)


class _Fallback(SinkGroup):
    # While a batch probes a destination that hangs, the next one goes to the second sink.
    lanes = 2

    def __init__(self, first: Sink, second: Sink, clock: Callable[[], float]) -> None:
        super().__init__("fallback", [first, second])
        self._first = first
        self._second = second
        self._checks = [check_of(first), check_of(second)]
        self._failures = FailureLog(logger, logging.WARNING)
        self._outages: PerProcess[Outage] = PerProcess(partial(Outage, clock))

    def __call__(self, event: Event) -> None:
        attempt = Attempt()
        try:
            if is_tried := self._outages.get().begin(attempt):
                raise_if_unfinished("the first sink of fallback", self._first, self._first(copy.deepcopy(event)))
        except Exception as error:
            self._note_failures(attempt, [error], stored_some=False)
            attempt.has_left = True
            self._failures.log(
                "%r failed; the event goes to %r",
                self._first,
                self._second,
                raised=error,
                private=lambda: PrivateTexts(private_in_events([event]), ()),
            )
            self._give_to_second(event, error)
            error.__traceback__ = None  # it is logged; an instance that is raised again would get longer each time
        else:
            if is_tried:
                self._note_stored(attempt)
            else:
                self._give_to_second(event, None)
        finally:
            attempt.has_left = True

    def check(self, event: Event, encoded: bytes) -> None:
        """Ask both sinks, if both have a ``check``.

        :raises Undeliverable: if neither will ever take the event.
        """
        first, second = self._checks
        if first is None or second is None:
            return
        try:
            first(event, encoded)
        except Undeliverable:
            second(event, encoded)

    def write(self, events: Sequence[Event]) -> None:
        if not events:
            return
        attempt = Attempt()
        try:
            if is_tried := self._outages.get().begin(attempt):
                store(self._first, copy.deepcopy([*events]))
        except Exception as error:
            failures = failures_by_place(error, len(events))
            self._note_failures(attempt, failures.values(), stored_some=len(failures) < len(events))
            attempt.has_left = True
            self._failures.log(
                "%r failed; %d events go to %r",
                self._first,
                len(failures),
                self._second,
                raised=error,
                private=lambda: PrivateTexts(private_in_events([events[place] for place in failures]), ()),
            )
            self._give_batch_to_second(events, failures, error)
            error.__traceback__ = None
        else:
            if is_tried:
                self._note_stored(attempt)
            else:
                self._give_batch_to_second(events, dict.fromkeys(range(len(events))), None)
        finally:
            attempt.has_left = True

    def stats(self) -> FallbackStats:
        """Return the figures of this process; :class:`FallbackStats` says what each means."""
        outage, repeated = self._outages.get(), self._repeated()
        stats: FallbackStats = {"first_is_down": int(outage.is_on), "given_to_second": outage.given_to_second}
        if repeated is not None:
            stats["repeated"] = repeated
        return stats

    def _give_to_second(self, event: Event, first_error: Exception | None) -> None:
        """Give *event* to the second sink.

        :param first_error: what the first sink raised; ``None`` if it was not tried.
        """
        self._outages.get().count(1)
        try:
            raise_if_unfinished("the second sink of fallback", self._second, self._second(event))
        except Undeliverable as error:
            if self._has_refused(event, first_error):
                raise
            raise self._wait_for_first() from error

    def _give_batch_to_second(
        self, events: Sequence[Event], failures: Mapping[int, Exception | None], raised: Exception | None
    ) -> None:
        """Give those of *events* to the second sink that the first one did not store.

        :param failures: the error of the first sink, by the place of each of them; ``None`` if it was not tried.
        :param raised: what the first sink raised for the batch; ``None`` if it was not called.
        """
        places = sorted(failures)
        self._outages.get().count(len(places))
        try:
            store(self._second, [events[place] for place in places])
        except Exception as error:
            by_place: dict[int, Exception | None] = {}
            for number, each in failures_by_place(error, len(places)).items():
                place = places[number]
                waits = isinstance(each, Undeliverable) and not self._has_refused(events[place], failures[place])
                by_place[place] = self._wait_for_first() if waits else each
            if by_place == dict.fromkeys(range(len(events)), error):
                raise  # a word about the whole batch stays one
            raise PartialFailure(by_place) from raised or error

    def _has_refused(self, event: Event, first_error: Exception | None) -> bool:
        """Return True if the first sink has said something of *event*, and not only that it is down."""
        if first_error is not None and not is_down(first_error):
            return True
        try:
            if (check := self._checks[0]) is not None:
                check(event, encode(event))
        except Undeliverable:
            return True
        return False

    def _wait_for_first(self) -> Unavailable:
        """The error of an event that the second sink refuses for ever, and the first one may take once it is back."""
        words = f"{self._second!r} refuses the event, and {self._first!r} is down"
        return Unavailable(words, retry_after=self._outages.get().seconds_left)

    def _note_stored(self, attempt: Attempt) -> None:
        if (ended := self._outages.get().note_stored(attempt)) is not None:
            seconds, events = ended
            logger.warning(
                "%r takes events again, after %d s in which %d events went to %r",
                self._first,
                round(seconds),
                events,
                self._second,
            )

    def _note_failures(self, attempt: Attempt, errors: Collection[Exception | None], *, stored_some: bool) -> None:
        """Note what a call that failed says of the first sink: nothing, unless it is down or has stored something.

        That an event was not tried is the doing of others in its batch, which a visitor may have sent.
        """
        down = [error for error in errors if error is not None and is_down(error) and not isinstance(error, Untried)]
        if down:
            pause = self._outages.get().note_down(attempt, longest_retry_after(down) or 0.0)
            if pause is not None:
                logger.warning(
                    "%r is down: events go to %r for %d s, and then one is tried with it",
                    self._first,
                    self._second,
                    round(pause),
                )
        elif stored_some:
            self._note_stored(attempt)
