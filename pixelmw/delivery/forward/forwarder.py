"""Gets events into a sink whatever it does: retries, isolates the poisonous, keeps the order."""

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
from .attempt import as_exception, attempt
from .item import Item

logger = logging.getLogger("pixelmw")

# An event is poison once it has failed alone so often, each time with others taken since.
_PROOF = 8
# Events that are suspected of that, or wait to become dead letters. More than these are not kept waiting.
_MOST_ASIDE = 100
# Events that are tried alone in one step: of those refused in company, or of the suspects after a batch went well.
_TRIED_ALONE = 8


class Forwarder:
    """Hands items to a sink, step by step; it neither waits nor owns a thread.

    How a failure is taken depends on what the sink raised:

    - :class:`Undeliverable`: the event at fault is found by halving the batch,
      and becomes a dead letter.
    - :class:`Unavailable`, or an ``OSError`` of the system's: the sink is down. All wait, in order.
    - anything else may be either. The batch is halved until one event fails
      alone; if the sink takes another one, the first is a suspect, is tried
      beside the others, and becomes a dead letter when it has failed
      often enough while others were taken. If not, the sink is down.

    What was refused in company, also by name, is tried alone before it becomes a
    dead letter, since the sink may have meant its neighbour.

    :param sink: any sink.
    :param retry: when to try again, and how often.
    :param dead_letter: where dead letters go; without one they are logged, and gone.
    :param settled: told of each item that is in the sink, or a dead letter.
    :param max_batch: events that are handed to the sink at once.
    :ivar pending: items to be forwarded; whoever uses the forwarder appends to it.
    :ivar in_doubt: whether to have more pending would help to tell an event's fault from the sink's.
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
        self.in_doubt = False
        self.counts: Counter[str] = Counter(forwarded=0, retried=0, dead=0)
        self._sink = sink
        self._write = batch_writer(sink)
        self._takes_batches = takes_batches(sink)
        self._retry = retry
        self._dead_letter = dead_letter
        self._settled = settled
        self._max_batch = max_batch
        self._size = max_batch
        self._window = 0  # among so many of the pending, one is undeliverable
        self._refused: deque[Item] = deque()  # in company, to be tried alone before anything else
        self._suspects: deque[Item] = deque()
        self._dead: deque[Item] = deque()  # to become dead letters
        self._streak = 0  # failures since something went well
        self._log_throttle = LogThrottle()

    def __len__(self) -> int:
        return len(self.pending) + len(self._refused) + len(self._suspects) + len(self._dead)

    @property
    def holds_up_others(self) -> bool:
        """Whether later events have to wait for some that are here."""
        return bool(self.pending or self._refused)

    def step(self) -> float:
        """Try one batch; returns the seconds to wait before the next step.

        Where nothing is pending, suspects are tried. Where too many dead
        letters cannot be stored, nothing else is forwarded.
        """
        if self.holds_up_others and len(self._dead) < _MOST_ASIDE:
            pause = self._try_refused() if self._refused else self._forward()
        else:
            error = self._try_alone(self._suspects)
            self._streak += 1
            pause = self._pause(error)
        self._bury()
        return pause

    def _forward(self) -> float:
        self.in_doubt = False
        batch = list(islice(self.pending, self._size))
        left, error, blamed = self._try(batch)
        for _ in batch:
            self.pending.popleft()
        self.pending.extendleft(reversed(left))
        if error is not None:
            return self._after_failure(left, error, blamed)
        if not left:
            self._window = max(0, self._window - len(batch))
            self._size = (self._window + 1) // 2 or min(self._size * 2, self._max_batch)
            self._try_alone(self._suspects)
        return 0.0

    def _try(self, batch: list[Item]) -> tuple[list[Item], Exception | None, bool]:
        """What is left of *batch*, why, and whether that is known to be for the first of them, or for all."""
        failures, raised = attempt(self._write, [item.make_event() for item in batch])
        taken: list[Item] = []
        left: list[Item] = []
        alone = len(batch) == 1 or not self._takes_batches
        errors: list[Exception | None] = []
        for place, item in enumerate(batch):
            error = failures.get(place)
            if error is not None:
                item.failed(error, self.counts["forwarded"], alone=alone)
            if place not in failures:
                taken.append(item)
            elif isinstance(error, Undeliverable):
                self._condemn(item)
                self._size, self._window = self._max_batch, 0
            else:
                left.append(item)
                errors.append(error)
        self.counts["forwarded"] += len(taken)
        self._settled(taken)
        if len(left) < len(batch):
            self._streak = 0
        if not left:
            return left, None, False
        error = next(filter(is_down, errors), errors[0])
        if error is not None:
            return left, error, True
        return left, None if len(left) < len(batch) else next(filter(None, errors), raised), False

    def _after_failure(self, left: list[Item], error: Exception, blamed: bool) -> float:
        self.counts["retried"] += 1
        self.in_doubt = not is_down(error)
        self._log(f"{self._sink!r} failed", error)
        if not blamed:
            self._size = len(left) // 2
            if isinstance(error, Undeliverable):
                self._window = len(left)
                return 0.0
            return self._retry.pause(1)
        self._streak += 1
        if is_down(error):
            while self.pending and self._retry.is_over(self.pending[0].tries):
                self._dead.append(self.pending.popleft())
        elif self._is_proved(left[0]):
            self._condemn(self.pending.popleft())
        elif self._streak > 1 and len(self.pending) > 1 and self._takes_another():
            return 0.0
        return self._pause(error)

    def _takes_another(self) -> bool:
        """Whether the sink, which failed on the first of the pending, takes another: then the first is a suspect.

        Not always the second: what is wrong with the first may be wrong with its neighbours, too.
        """
        place = random.randrange(1, len(self.pending))  # noqa: S311 - no secret
        item = self.pending[place]
        left, _, _ = self._try([item])
        if left and not self._is_proved(item):
            return False
        del self.pending[place]
        if left:
            self._dead.append(item)
            return False
        self._suspect(self.pending.popleft())
        self._size, self._window = 1, 0
        return True

    def _suspect(self, item: Item) -> None:
        """Try *item* beside the others from now on."""
        self._suspects.append(item)
        if len(self._suspects) > _MOST_ASIDE:
            worst = max(self._suspects, key=lambda item: item.failures)
            self._suspects.remove(worst)
            self._condemn(worst)

    def _condemn(self, item: Item) -> None:
        """Make a dead letter of *item* if it has failed alone; if not, have it tried alone first."""
        (self._dead if item.alone else self._refused).append(item)

    def _try_refused(self) -> float:
        """Try alone what was refused in company; returns the seconds to wait before the next step."""
        if (error := self._try_alone(self._refused)) is None:
            return 0.0
        self.counts["retried"] += 1
        self._streak += 1
        self._log(f"{self._sink!r} failed", error)
        return self._pause(error)

    def _try_alone(self, items: deque[Item]) -> Exception | None:
        """Try some of *items*, those that have waited longest; returns the error where the sink is down."""
        for _ in range(min(_TRIED_ALONE, len(items))):
            item = items[0]
            left, error, _ = self._try([item])
            items.popleft()
            if left and self._is_proved(item):
                self._dead.append(item)
            elif left and not is_down(error):
                self._suspect(item)
            elif left:
                items.append(item)
            if left and is_down(error):
                return error
        return None

    def _is_proved(self, item: Item) -> bool:
        return item.failures >= _PROOF or self._retry.is_over(item.tries)

    def _bury(self) -> None:
        """Make dead letters of what is dead; what cannot be stored waits for the next step."""
        while self._dead:
            item = self._dead[0]
            try:
                if self._dead_letter is not None:
                    self._dead_letter(item.make_event())
            except BaseException as raised:
                self._log("a dead letter was not stored", as_exception(raised))
                return
            self._dead.popleft()
            gone = "" if self._dead_letter is not None else " and is lost, since there is no dead_letter"
            name = item.make_event().get("messageId")
            logger.error("%r does not take the event %r%s: %s", self._sink, name, gone, item.error)
            self.counts["dead"] += 1
            self._settled([item])

    def _pause(self, error: Exception | None) -> float:
        return self._retry.pause(self._streak, error.retry_after if isinstance(error, Unavailable) else None)

    def _log(self, what: str, error: Exception) -> None:
        """Tell of what fails, but not each time."""
        if self._log_throttle.allows(what):
            logger.warning("%s; %d events or more wait for it: %r", what, len(self), error)
