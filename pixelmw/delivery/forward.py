"""Gets events into a sink whatever it does: retries, isolates the poisonous, keeps the order."""

from __future__ import annotations

import logging
import random
from collections import Counter, deque
from collections.abc import Callable, Iterable
from itertools import islice

from ..events import Event, Sink
from ..sinks.base import Unavailable, Undeliverable, batch_writer
from .attempt import as_exception, attempt, is_down
from .retry import Retry
from .seldom import Seldom

logger = logging.getLogger("pixelmw")

# An event is poison once it has failed alone so often, each time with others taken since.
_PROOF = 8
# Events that are suspected of that, or wait to become dead letters. More than these are not kept waiting.
_MOST_ASIDE = 100
# Of the suspects, those that are tried again after a batch went well.
_RETRIED_SUSPECTS = 8


class Item:
    """An event on its way.

    :ivar place: what its owner knows it by.
    :ivar tries: how often the sink has failed on it, and not on the batch around it.
    :ivar failures: how many of those count as proof that it is the event's fault.
    :ivar error: what the sink raised last.
    """

    __slots__ = ("_taken", "error", "event", "failures", "place", "tries")

    def __init__(self, event: Event, place: int) -> None:
        self.event = event
        self.place = place
        self.tries = 0
        self.failures = 0
        self.error = ""
        self._taken = -1

    def failed(self, error: Exception, taken: int) -> None:
        """Note a failure, at a time when the sink had taken so many events in all."""
        self.tries += 1
        self.error = repr(error)  # its traceback would keep all that its call was about
        if taken != self._taken and not is_down(error):
            self._taken = taken
            self.failures += 1


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
        self._retry = retry
        self._dead_letter = dead_letter
        self._settled = settled
        self._max_batch = max_batch
        self._size = max_batch
        self._window = 0  # among so many of the pending, one is undeliverable
        self._suspects: deque[Item] = deque()
        self._dead: deque[Item] = deque()  # to become dead letters
        self._streak = 0  # failures since something went well
        self._seldom = Seldom()

    def __len__(self) -> int:
        return len(self.pending) + len(self._suspects) + len(self._dead)

    def step(self) -> float:
        """Try one batch; returns the seconds to wait before the next step.

        Where nothing is pending, suspects are tried. Where too many dead
        letters cannot be stored, nothing else is forwarded.
        """
        if self.pending and len(self._dead) < _MOST_ASIDE:
            pause = self._forward()
        else:
            error = self._retry_suspects()
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
            self._retry_suspects()
        return 0.0

    def _try(self, batch: list[Item]) -> tuple[list[Item], Exception | None, bool]:
        """What is left of *batch*, why, and whether that is known to be for the first of them, or for all."""
        failures, raised = attempt(self._write, [item.event for item in batch])
        taken: list[Item] = []
        left: list[Item] = []
        errors: list[Exception | None] = []
        for place, item in enumerate(batch):
            error = failures.get(place)
            if error is not None:
                item.failed(error, self.counts["forwarded"])
            if place not in failures:
                taken.append(item)
            elif isinstance(error, Undeliverable):
                self._dead.append(item)
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
            self._dead.append(self.pending.popleft())
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
        self._suspects.append(self.pending.popleft())
        if len(self._suspects) > _MOST_ASIDE:
            worst = max(self._suspects, key=lambda item: item.failures)
            self._suspects.remove(worst)
            self._dead.append(worst)
        self._size, self._window = 1, 0
        return True

    def _retry_suspects(self) -> Exception | None:
        """Try some suspects, those that have waited longest; returns the error where the sink is down."""
        for _ in range(min(_RETRIED_SUSPECTS, len(self._suspects))):
            item = self._suspects[0]
            left, error, _ = self._try([item])
            self._suspects.popleft()
            if left:
                (self._dead if self._is_proved(item) else self._suspects).append(item)
                if error is not None and is_down(error):
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
                    self._dead_letter(item.event)
            except BaseException as raised:
                self._log("a dead letter was not stored", as_exception(raised))
                return
            self._dead.popleft()
            gone = "" if self._dead_letter is not None else " and is lost, since there is no dead_letter"
            name = item.event.get("messageId")
            logger.error("%r does not take the event %r%s: %s", self._sink, name, gone, item.error)
            self.counts["dead"] += 1
            self._settled([item])

    def _pause(self, error: Exception | None) -> float:
        return self._retry.pause(self._streak, error.retry_after if isinstance(error, Unavailable) else None)

    def _log(self, what: str, error: Exception) -> None:
        """Tell of what fails, but not each time."""
        if self._seldom.may_tell(what):
            logger.warning("%s; %d events or more wait for it: %r", what, len(self), error)
