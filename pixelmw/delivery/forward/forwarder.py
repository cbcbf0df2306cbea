"""Hands items to a sink, step by step; the rules stand in :mod:`pixelmw.delivery.forward`."""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext

from ...events import Sink
from ...sinks.base import is_down
from ..retry import Retry
from .attempt import Outcome, attempt
from .batch_size import BatchSize
from .call_clock import CallClock
from .condition import Condition, Pause
from .dead_letter_queue import Burying, DeadLetterQueue, no_other
from .item import Item
from .items import Items
from .proof import Proof
from .states import ALONE_PER_STEP, MAX_SET_ASIDE, ItemState, SinkState


class Forwarder:
    """Hands items to a sink, step by step. It does not wait, has no thread, and is used by one thread.

    :param sink: any sink.
    :param retry: when to try again, and how often.
    :param dead_letter: where dead letters go; without one they are logged, and lost.
    :param on_done: called with the items that the sink has, or that are dead letters.
    :param max_batch: events that are handed to the sink at once.
    :param in_flight: called with the items of a batch; the sink is called within the context that it returns.
    :param burying: called with an item; its dead letter is stored within that context, by the sink that it may return.
    :param calls: notes each call of *sink* and *dead_letter*.
    :param monotonic: gives the seconds that pauses are measured by.
    :ivar wants_more_pending: True while the sink or an event may be at fault; more pending items help to find out.
    :ivar longest_pause: seconds that a pause may last; an owner shortens it that is about to lose what waits.
    :ivar one_by_one: how many of the next items are sent alone, since a process may have died of one of them.
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
        in_flight: Callable[[Sequence[Item]], AbstractContextManager[object]] = nullcontext,
        burying: Burying = no_other,
        calls: CallClock | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.wants_more_pending = False
        self.longest_pause = math.inf
        self.one_by_one = 0
        self.counts: Counter[str] = Counter(forwarded=0, retried=0, dead=0)
        self._sink = sink
        self._calls = calls or CallClock()
        self._retry = retry
        self._on_done = on_done
        self._in_flight = in_flight
        self._batch_size = BatchSize(max_batch)
        self._proof = Proof(retry)
        dead = DeadLetterQueue(sink, self._calls.timed(dead_letter), self._on_buried, burying)
        self._items = Items(self._proof, dead)
        self._tried: list[bytes] = []  # the events that the sink was given in this step
        self._condition = Condition(sink, retry, monotonic, waiting=self.__len__, tried=lambda: self._tried)
        self._set_aside_pause = Pause(retry, monotonic)

    def __len__(self) -> int:
        return len(self._items)

    @property
    def pending(self) -> deque[Item]:
        """The waiting items; the owner of the forwarder appends to it."""
        return self._items.waiting

    @property
    def holds_up_others(self) -> bool:
        """Whether later events have to wait for some that are here."""
        return bool(self._items.waiting or self._items.tried)

    @property
    def sink_state(self) -> SinkState:
        """What the last calls of the sink said about it."""
        state, is_reduced = self._condition.state, self._batch_size.is_reduced
        return SinkState.HALVING if is_reduced and state is SinkState.FLOWING else state

    def forget(self) -> None:
        """Forget all items, but not what is known of the sink."""
        self._items.clear()
        self.one_by_one = 0

    def bury(self, item: Item, reason: str) -> None:
        """Make a dead letter of *item*, which is new here."""
        item.last_error = reason
        self._items.bury(item)

    def step(self) -> float:
        """Try one batch, or suspects if none waits, once the pause is over; returns the seconds to wait.

        While too many dead letters cannot be stored, nothing is forwarded.
        """
        self._tried.clear()
        if self.holds_up_others and len(self._items.dead) < MAX_SET_ASIDE:
            if (left := self._condition.pause.seconds_left(self.longest_pause)) > 0:
                return left
            if self._proof.blames_sink:
                pause = self._try_refuser()
            else:
                pause = self._try_tried() if self._items.tried else self._forward_batch()
        elif len(self):
            if (left := self._set_aside_pause.seconds_left(self.longest_pause)) > 0:
                return left
            error = self._try_alone(self._items.suspects)
            self._condition.failures += 1
            pause = self._set_aside_pause.begin(self._condition.failures, error)
        else:
            return 0.0
        if (why := self._items.dead.bury()) is not None:
            self._condition.log("a dead letter was not stored", why)
        return pause

    def _forward_batch(self) -> float:
        self.wants_more_pending = False
        batch = self._items.next_batch(1 if self.one_by_one else self._batch_size.current)
        outcome = self._attempt(batch)
        self._items.keep_of_batch(batch, outcome.left)
        self.one_by_one = max(0, self.one_by_one - len(batch) + len(outcome.left))
        if outcome.overtaken and outcome.last is not None:
            why = self._condition.words_of(outcome.last)
            self._condition.log(f"{self._sink!r} fails for some events, which are tried again", why)
            self._items.suspect(outcome.overtaken)
            self._batch_size.use_one()
        self._items.settle_refused(outcome.refused)
        if self._proof.blames_sink and outcome.last is not None:
            return self._fail_refused(outcome.last)
        if outcome.down is not None:
            return self._fail_down(batch, outcome, outcome.down)
        if len(outcome.left) == len(batch):
            return self._fail_without_word(batch, outcome)
        if outcome.left:
            return 0.0  # there was progress
        if len(outcome.refused) == len(batch):
            return self._condition.pause.begin(1)
        if outcome.last is not None and not outcome.refused and not outcome.overtaken:
            self._batch_size.note_too_large(len(batch))
        else:
            self._batch_size.note_success(len(batch))
        error = self._try_alone(self._items.suspects)
        return self._condition.note_failure(SinkState.DOWN, error) if error is not None and is_down(error) else 0.0

    def _attempt(self, batch: Sequence[Item]) -> Outcome:
        """Have the sink store *batch*; what it takes is done."""
        self._tried += [item.payload for item in batch]
        with self._in_flight(batch), self._calls.attempt():
            outcome = attempt(self._sink, batch, self._calls, taken_so_far=self.counts["forwarded"])
        self.counts.update(retried=outcome.failed_calls, forwarded=len(outcome.taken))
        self._on_done(outcome.taken)
        if outcome.taken:
            self._proof.note_taken()
            self._condition.note_taken(len(outcome.taken))
        self._proof.note_refused(sum(item.state is ItemState.WAITING for item in outcome.refused_last))
        return outcome

    def _fail_down(self, batch: Sequence[Item], outcome: Outcome, error: Exception) -> float:
        while self.pending and self._retry.is_exhausted(self.pending[0].tries):
            self._items.bury(self.pending.popleft())
        if not outcome.taken:
            self._batch_size.note_failure(len(batch), error)
        return self._condition.note_failure(SinkState.DOWN, error)

    def _fail_without_word(self, batch: Sequence[Item], outcome: Outcome) -> float:
        """The sink took nothing, and did not say that it is down."""
        self.wants_more_pending = True
        if outcome.doubt is None:
            self._batch_size.halve(len(batch))
            return self._condition.note_failure(SinkState.HALVING, outcome.last or TimeoutError("no time was left"))
        self._batch_size.use_one()
        if self._proof.is_complete(self.pending[0]):
            self._items.bury_or_try(self.pending.popleft())
        elif self._condition.failures % 2 and len(self.pending) > 1 and self._takes_another():
            return 0.0
        return self._condition.note_failure(SinkState.DOUBTED, outcome.doubt)

    def _takes_another(self) -> bool:
        """Try another item than the first of the pending; if the sink takes it, the first is a suspect."""
        outcome = self._attempt([item := self._items.another()])
        if outcome.left and not self._proof.is_complete(item):
            return False
        self.pending.remove(item)
        if outcome.left:
            self._items.bury(item)
            return False
        self._items.settle_refused(outcome.refused)
        self._items.suspect([self.pending.popleft()])
        return True

    def _fail_refused(self, error: Exception) -> float:
        """The sink has refused so many in a row that it is to blame."""
        self.wants_more_pending = True
        return self._condition.note_refused(error)

    def _try_refuser(self) -> float:
        """Try one event with a sink that refused everything."""
        outcome = self._attempt([item := self._items.probe()])
        if outcome.taken:
            self._items.remove(item)
            return 0.0
        if self._retry.is_exhausted(item.tries):
            self._items.remove(item)
            self._items.bury(item)
        return self._fail_refused(outcome.last or TimeoutError("no time was left"))

    def _try_tried(self) -> float:
        """Try alone what was refused in company."""
        if (error := self._try_alone(self._items.tried)) is None:
            return 0.0
        if is_down(error):
            return self._condition.note_failure(SinkState.DOWN, error)
        if self.pending and self._condition.failures:
            self._batch_size.use_one()  # if the sink takes it, the tried ones are at fault
            return self._forward_batch()
        return self._condition.note_failure(SinkState.DOUBTED, error)

    def _try_alone(self, items: deque[Item]) -> Exception | None:
        """Try some of *items*, those that have waited longest; returns the error if the sink is down, or may be."""
        for _ in range(min(ALONE_PER_STEP, len(items))):
            outcome = self._attempt([item := items[0]])
            items.popleft()
            error = outcome.down or outcome.doubt
            if outcome.refused:
                self._items.settle_refused(outcome.refused)
            elif error is None:
                continue
            elif self._proof.is_complete(item):
                self._items.bury(item)
            elif not is_down(error) and not self._items.is_crowded():
                self._items.suspect([item])
            else:
                items.append(item)
                return error
        return None

    def _on_buried(self, item: Item) -> None:
        self.counts["dead"] += 1
        self._on_done([item])
