"""Gets events into a sink whatever it does: retries, isolates the poisonous, keeps the order."""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from itertools import islice

from ..events import Event, Sink
from ..sinks.base import PartialFailure, Unavailable, Undeliverable, batch_writer
from .retry import Retry

logger = logging.getLogger("pixelmw")

# An event is poison once it has failed so often, each time with others taken since.
_PROOF = 8
# Events that are suspected of that, and tried beside the others. More than these are not kept waiting.
_MOST_SUSPECTS = 100
# Of them, those that are tried again after a batch went well.
_RETRIED_SUSPECTS = 8
# One line about a sink that is down, so many seconds after the last.
_LOG_EVERY = 60.0


class Item:
    """An event on its way.

    :ivar place: what its owner knows it by.
    :ivar tries: how often the sink has failed on it, or on a batch with it.
    :ivar failures: how many of those count as proof that it is the event's fault.
    :ivar error: what the sink raised last.
    :ivar dead: whether it is to be a dead letter.
    """

    __slots__ = ("_taken", "dead", "error", "event", "failures", "place", "tries")

    def __init__(self, event: Event, place: int) -> None:
        self.event = event
        self.place = place
        self.tries = 0
        self.failures = 0
        self.error: Exception | None = None
        self.dead = False
        self._taken = -1

    def failed(self, error: Exception, taken: int) -> None:
        """Note a failure, at a time when the sink had taken so many events in all."""
        self.tries += 1
        self.error = error
        if taken != self._taken:
            self._taken = taken
            self.failures += 1


class Forwarder:
    """Hands items to a sink, step by step; it neither waits nor owns a thread.

    How a failure is taken depends on what the sink raised:

    - :class:`Undeliverable`: the event at fault is found by halving the batch,
      and becomes a dead letter.
    - :class:`Unavailable` or ``OSError``: the sink is down. All wait, in order.
    - anything else may be either. The batch is halved until one event fails
      alone; if the sink takes the next one, the first is a suspect, is tried
      beside the others, and becomes a dead letter when it has failed
      often enough while others were taken. If not, the sink is down.

    :param sink: any sink.
    :param retry: when to try again, and how often.
    :param dead_letter: where dead letters go; without one they are logged, and gone.
    :param settled: told of each item that is in the sink, or a dead letter.
    :param max_batch: events that are handed to the sink at once.
    :ivar pending: items to be forwarded; whoever uses the forwarder appends to it.
    :ivar suspects: items that failed alone while the sink took others.
    :ivar counts: events ``forwarded`` and ``dead``, and tries ``retried``.
    """

    def __init__(
        self,
        sink: Sink,
        *,
        retry: Retry,
        dead_letter: Sink | None,
        settled: Callable[[Iterable[Item]], object],
        max_batch: int,
    ) -> None:
        self.pending: deque[Item] = deque()
        self.suspects: list[Item] = []
        self.counts: Counter[str] = Counter(forwarded=0, retried=0, dead=0)
        self._sink = sink
        self._write = batch_writer(sink)
        self._retry = retry
        self._dead_letter = dead_letter
        self._settled = settled
        self._max_batch = max_batch
        self._size = max_batch
        self._streak = 0  # failures since something went well
        self._logged = float("-inf")

    def __len__(self) -> int:
        return len(self.pending) + len(self.suspects)

    def step(self) -> float:
        """Try one batch; returns the seconds to wait before the next step.

        Where nothing is pending, the suspects are tried.
        """
        if not self.pending:
            self._streak += 1
            self._retry_suspects(len(self.suspects))
            return self._retry.pause(self._streak)
        batch = list(islice(self.pending, self._size))
        left, error, named = self._try(batch)
        for _ in batch:
            self.pending.popleft()
        self.pending.extendleft(reversed(left))
        if len(left) < len(batch):
            self._streak = 0
        if error is not None:
            return self._after_failure(left, error, named)
        if not left:
            self._size = min(self._size * 2, self._max_batch)
            self._retry_suspects(_RETRIED_SUSPECTS)
        return 0.0

    def _try(self, batch: list[Item]) -> tuple[list[Item], Exception | None, bool]:
        """What is left of *batch*, the error that kept it, and whether that error is known to be the first one's."""
        failures: Mapping[int, Exception | None] = {}
        named = True
        try:
            self._write([item.event for item in batch])
        except PartialFailure as failure:
            failures = failure.failures
            if len(failures) >= len(batch) and not any(failures.values()):  # nothing was tried: do not hurry
                failures, named = dict.fromkeys(failures, failure), False
        except Exception as error:
            failures = dict.fromkeys(range(len(batch)), error)
            named = len(batch) == 1
        taken = [item for place, item in enumerate(batch) if place not in failures]
        self.counts["forwarded"] += len(taken)
        self._settled(taken)
        left: list[Item] = []
        first: Exception | None = None
        for place, item in enumerate(batch):
            if place not in failures:
                continue
            why = failures[place]
            if why is not None:
                item.failed(why, self.counts["forwarded"])
                if named and isinstance(why, Undeliverable):
                    self._bury(item)
                    continue
            if not left:
                first = why
            left.append(item)
        return left, first, named

    def _after_failure(self, left: list[Item], error: Exception, named: bool) -> float:
        self._streak += 1
        self.counts["retried"] += 1
        self._log(error)
        if isinstance(error, Undeliverable):  # one of them is, and the sink is up
            self._size = max(1, len(left) // 2)
            return 0.0
        pause = self._retry.pause(self._streak, getattr(error, "retry_after", None))
        if isinstance(error, Unavailable | OSError):
            while self.pending and self._retry.is_over(self.pending[0].tries):
                self._bury(self.pending.popleft())
        elif not named and len(left) > 1:
            self._size = len(left) // 2
        elif self._is_proved(left[0]):
            self._bury(self.pending.popleft())
        elif self._streak > 1 and len(self.pending) > 1 and self._takes_the_next():
            return 0.0
        return pause

    def _takes_the_next(self) -> bool:
        """Whether the sink, which failed on the first of the pending, takes the second: then the first is a suspect."""
        left, _, _ = self._try([self.pending[1]])
        if left:
            return False
        del self.pending[1]
        self.suspects.append(self.pending.popleft())
        if len(self.suspects) > _MOST_SUSPECTS:
            self._bury(self.suspects.pop(0))
        self._streak, self._size = 0, 1
        return True

    def _retry_suspects(self, most: int) -> None:
        suspects, self.suspects = self.suspects[:most], self.suspects[most:]
        while suspects:
            item = suspects.pop(0)
            if item.dead:
                self._bury(item)
                continue
            left, error, _ = self._try([item])
            if left and self._is_proved(item):
                self._bury(item)
            elif left:
                self.suspects.append(item)
                if isinstance(error, Unavailable | OSError):
                    break
        self.suspects[:0] = suspects

    def _is_proved(self, item: Item) -> bool:
        return item.failures >= _PROOF or self._retry.is_over(item.tries)

    def _bury(self, item: Item) -> None:
        """Make a dead letter of *item*; where even that cannot be stored, it stays with the suspects."""
        try:
            if self._dead_letter is not None:
                self._dead_letter(item.event)
        except Exception:
            logger.exception("a dead letter was not stored; it will be tried again")
            item.dead = True
            self.suspects.append(item)
            return
        gone = "" if self._dead_letter is not None else " and is lost, since there is no dead_letter"
        logger.error("%r does not take the event %r%s: %r", self._sink, item.event.get("messageId"), gone, item.error)
        self.counts["dead"] += 1
        self._settled([item])

    def _log(self, error: Exception) -> None:
        """Tell of a sink that fails, but not each time."""
        now = time.monotonic()
        if now - self._logged > _LOG_EVERY:
            self._logged = now
            logger.warning("%r failed; %d events or more wait for it: %r", self._sink, len(self), error)
