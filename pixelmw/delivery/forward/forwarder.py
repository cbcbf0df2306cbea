"""Gets events into a sink whatever it does; the rules stand in :mod:`pixelmw.delivery.forward`."""

from __future__ import annotations

import logging
import random
from collections import Counter, deque
from collections.abc import Callable, Iterable
from itertools import islice

from ...events import Sink
from ...sinks.base import Unavailable, Undeliverable, batch_writer, is_down, takes_batches
from ...system.logs import LogThrottle
from ..retry import Retry
from .attempt import Outcome, attempt
from .batch_size import BatchSize
from .dead_letter_queue import DeadLetterQueue
from .item import Item

logger = logging.getLogger("pixelmw.delivery")

# Eight failures, each with other events taken in between, are not chance: of a sink that fails one time in five
# without a reason, 0.2 ** 8 is 3 events in a million.
_EVIDENCE_NEEDED = 8
# At most so many suspects, and so many dead items: they are in memory, and a directory may hold any number.
_MAX_SET_ASIDE = 100
# Items that are tried alone in one step: refused ones, or suspects after a batch went well.
_TRIED_ALONE_PER_STEP = 8


class Forwarder:
    """Hands items to a sink, step by step. It does not wait, has no thread, and is used by one thread.

    :param sink: any sink.
    :param retry: when to try again, and how often.
    :param dead_letter: where dead letters go; without one they are logged, and lost.
    :param on_done: called with the items that the sink has, or that are dead letters.
    :param max_batch: events that are handed to the sink at once.
    :ivar pending: items to be forwarded; the owner of the forwarder appends to it.
    :ivar wants_more_pending: True while the sink or an event may be at fault; more pending items help to find out.
    :ivar counts: events ``forwarded`` and ``dead``, and calls ``retried``.
    """

    def __init__(
        self,
        sink: Sink,
        *,
        retry: Retry,
        dead_letter: Sink | None,
        on_done: Callable[[Iterable[Item]], object],
        max_batch: int,
    ) -> None:
        self.pending: deque[Item] = deque()
        self.wants_more_pending = False
        self.counts: Counter[str] = Counter(forwarded=0, retried=0, dead=0)
        self._sink = sink
        self._write = batch_writer(sink)
        self._takes_batches = takes_batches(sink)
        self._retry = retry
        self._on_done = on_done
        self._batch_size = BatchSize(max_batch)
        self._refused: deque[Item] = deque()
        self._suspects: deque[Item] = deque()
        self._dead = DeadLetterQueue(sink, dead_letter, self._on_dead_letter)
        self._failures_in_a_row = 0
        self._log_throttle = LogThrottle()

    def __len__(self) -> int:
        return len(self.pending) + len(self._refused) + len(self._suspects) + len(self._dead)

    @property
    def holds_up_others(self) -> bool:
        """Whether later events have to wait for some that are here."""
        return bool(self.pending or self._refused)

    def step(self) -> float:
        """Try one batch; returns the seconds to wait before the next step.

        If nothing is pending, suspects are tried. While too many dead letters
        cannot be stored, nothing else is forwarded.
        """
        if self.holds_up_others and len(self._dead) < _MAX_SET_ASIDE:
            pause = self._try_refused() if self._refused else self._forward_batch()
        else:
            error = self._try_alone(self._suspects)
            self._failures_in_a_row += 1
            pause = self._pause_after(error)
        if (error := self._dead.store()) is not None:
            self._log_rarely("a dead letter was not stored", error)
        return pause

    def _forward_batch(self) -> float:
        self.wants_more_pending = False
        batch = list(islice(self.pending, self._batch_size.current))
        outcome = self._attempt(batch)
        for _ in batch:
            self.pending.popleft()
        self.pending.extendleft(reversed(outcome.left))
        if outcome.error is not None:
            return self._handle_failure(outcome.left, outcome.error, outcome.fault_is_known)
        if not outcome.left:
            self._batch_size.grow(len(batch))
            self._try_alone(self._suspects)
        return 0.0

    def _attempt(self, batch: list[Item]) -> Outcome:
        """Send *batch* once; what was taken is done, and what was refused is dead, or is to be tried alone."""
        outcome = attempt(self._write, batch, taken_so_far=self.counts["forwarded"], each_alone=not self._takes_batches)
        for item in outcome.refused:
            self._to_dead_or_refused(item)
            self._batch_size.reset()
        self.counts["forwarded"] += len(outcome.taken)
        self._on_done(outcome.taken)
        if len(outcome.left) < len(batch):
            self._failures_in_a_row = 0
        return outcome

    def _handle_failure(self, left: list[Item], error: Exception, fault_is_known: bool) -> float:
        """Decide what becomes of the pending after a failure; returns the seconds to wait before the next step."""
        self.counts["retried"] += 1
        self.wants_more_pending = not is_down(error)
        self._log_rarely(f"{self._sink!r} failed", error)
        if not fault_is_known:
            self._batch_size.halve(len(left), one_is_undeliverable=isinstance(error, Undeliverable))
            return 0.0 if isinstance(error, Undeliverable) else self._retry.pause(1)
        self._failures_in_a_row += 1
        if is_down(error):
            while self.pending and self._retry.is_exhausted(self.pending[0].tries):
                self._dead.append(self.pending.popleft())
        elif self._is_at_fault(left[0]):
            self._to_dead_or_refused(self.pending.popleft())
        elif self._failures_in_a_row > 1 and len(self.pending) > 1 and self._sink_takes_another():
            return 0.0
        return self._pause_after(error)

    def _sink_takes_another(self) -> bool:
        """Try another item than the first of the pending; if the sink takes it, the first is a suspect.

        It is a random one: what is wrong with the first may be wrong with its neighbours, too.
        """
        index = random.randrange(1, len(self.pending))  # noqa: S311 - no secret
        item = self.pending[index]
        left = self._attempt([item]).left
        if left and not self._is_at_fault(item):
            return False
        del self.pending[index]
        if left:
            self._dead.append(item)
            return False
        self._suspect(self.pending.popleft())
        self._batch_size.use_one()
        return True

    def _suspect(self, item: Item) -> None:
        """Try *item* beside the others from now on."""
        self._suspects.append(item)
        if len(self._suspects) > _MAX_SET_ASIDE:
            worst = max(self._suspects, key=lambda item: item.evidence)
            self._suspects.remove(worst)
            self._to_dead_or_refused(worst)

    def _to_dead_or_refused(self, item: Item) -> None:
        """Make a dead letter of *item* if it has failed alone; if not, have it tried alone first."""
        (self._dead if item.failed_alone else self._refused).append(item)

    def _try_refused(self) -> float:
        """Try alone what was refused in company; returns the seconds to wait before the next step."""
        if (error := self._try_alone(self._refused)) is None:
            return 0.0
        self.counts["retried"] += 1
        self._failures_in_a_row += 1
        self._log_rarely(f"{self._sink!r} failed", error)
        if not is_down(error) and self.pending and self._failures_in_a_row > 1:
            self._batch_size.use_one()  # if the sink takes it, the refused ones are at fault
            return self._forward_batch()
        return self._pause_after(error)

    def _try_alone(self, items: deque[Item]) -> Exception | None:
        """Try some of *items*, those that have waited longest; returns the error if the sink is down, or may be."""
        for _ in range(min(_TRIED_ALONE_PER_STEP, len(items))):
            item = items[0]
            outcome = self._attempt([item])
            left, error = outcome.left, outcome.error
            items.popleft()
            if left and self._is_at_fault(item):
                self._dead.append(item)
            elif left and not is_down(error) and not self._is_crowded_out(item):
                self._suspect(item)
            elif left:
                items.append(item)
                return error
        return None

    def _is_crowded_out(self, item: Item) -> bool:
        """Returns True if there is no room for another suspect, and no evidence but the first failure of *item*."""
        return len(self._suspects) >= _MAX_SET_ASIDE and item.evidence < 2

    def _is_at_fault(self, item: Item) -> bool:
        return item.evidence >= _EVIDENCE_NEEDED or self._retry.is_exhausted(item.tries)

    def _on_dead_letter(self, item: Item) -> None:
        self.counts["dead"] += 1
        self._on_done([item])

    def _pause_after(self, error: Exception | None) -> float:
        retry_after = error.retry_after if isinstance(error, Unavailable) else None
        return self._retry.pause(self._failures_in_a_row, retry_after)

    def _log_rarely(self, what: str, error: Exception) -> None:
        """Log a failure, at most once a minute for each *what*."""
        if self._log_throttle.allows(what):
            logger.warning("%s: %r; %d or more events wait", what, error, len(self))
