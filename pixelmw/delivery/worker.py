"""The thread of a Background or a Spool in one process: when it takes the next step, and when it ends.

Rules:

1. A step forwards one batch, or finds that there is nothing to do. It says by :class:`Step` when the next one is due.
2. ``_lock`` guards the thread's life and its flags. It is not held during a step, which may last as long as a call of
   the sink, and not during ``give_up``, which may wait for the disk: visitors and ``close`` wait for it.
3. One thread at a time takes steps (``OneThread``).
4. New events gather for ``gather`` seconds, so that they share a batch. They end no pause after a failure, and nor
   does ``flush``: the destination is not called more often than its failures allow. Only ``close`` shortens a pause.
5. Without a pause, the thread takes a step once a second also if nobody wakes it. Other processes may have left
   something, and the one who was about to wake it may have been ended by an exception from outside.
6. After ``close`` has begun, the thread takes at least one step more, unless the time is over.
7. What a step holds from one step to the next is given back (``give_up``) when a step fails and when the thread ends.

========= ====================================================== =====================================================
state     event                                                  next
========= ====================================================== =====================================================
no thread ``wake``                                               idle: a thread starts
stepping  the step says ``wait=0``                               stepping
stepping  the step says ``wait``, and not ``idle``               pausing
stepping  the step says ``idle``                                 idle; gathering if new events came meanwhile
stepping  the step raises                                        pausing, for ``PAUSE_AFTER_FAULT``
pausing   ``wait`` is over                                       stepping
idle      ``wait`` is over, or ``LOOK`` if it has no end         stepping
idle      ``wake``                                               gathering
gathering ``gather`` seconds after the first of the events, or   stepping
          ``wake(now=True)``
pausing,  ``close``                                              closing: takes a step
idle or
gathering
closing   nothing is left, or the time is over; or the step      no thread
          says ``wait``, and there is no ``pause_when_closing``
closing   the step says ``wait``                                 closing: the next step after ``pause_when_closing`` at
                                                                 the latest
========= ====================================================== =====================================================
"""

from __future__ import annotations

import logging
import math
import threading
import time
from typing import NamedTuple, Protocol

from ..system.logs import LogThrottle
from ..system.one_thread import OneThread
from .forward import Forwarder
from .forward.call_clock import CallClock
from .watch import LongCalls, unwatch, watch

logger = logging.getLogger("pixelmw.delivery")

#: Seconds after which forwarding goes on if a fault of ours interrupted it.
PAUSE_AFTER_FAULT = 1.0
#: Seconds between two looks for work, if nobody says that there is any.
LOOK = 1.0


class Step(NamedTuple):
    """What a step came to.

    :ivar wait: seconds until the next step is due; infinite if nothing is left.
    :ivar idle: True if new events need not wait as long.
    """

    wait: float
    idle: bool

    @property
    def nothing_is_left(self) -> bool:
        """True if all is forwarded, or is for another process to forward."""
        return self.wait == math.inf


NOTHING_LEFT = Step(math.inf, idle=True)


def step_of(forwarder: Forwarder) -> Step:
    """Have *forwarder* try one batch, if it has any event."""
    wait = forwarder.step() if len(forwarder) else 0.0
    if not len(forwarder):
        return NOTHING_LEFT  # at once: events that come meanwhile are to gather, too
    return Step(wait, idle=wait > 0 and not forwarder.holds_up_others)


class Work(Protocol):
    """What the thread does. It is called by that thread only."""

    def step(self) -> Step:
        """Forward one batch."""

    def give_up(self, *, after_fault: bool) -> None:
        """Give back what is held from one step to the next.

        :param after_fault: True if a step has failed, so that files are to be closed as well.
        """


class Worker:
    """Runs the steps of *work* on a thread of its own.

    :param owner: whose worker it is, for the log.
    :param calls: knows the calls that *work* makes.
    :param name: that of the thread.
    :param gather: seconds that an event waits for others to join its batch.
    :param pause_when_closing: the longest pause between tries, in seconds, while it is being closed; ``None`` if
        closing waits for no pause, since what is left is safe.
    """

    def __init__(
        self,
        work: Work,
        *,
        owner: object,
        calls: CallClock,
        name: str,
        gather: float,
        pause_when_closing: float | None,
    ) -> None:
        self._work = work
        self._owner = owner
        self._gather = gather
        self._pause_when_closing = pause_when_closing
        self._long_calls = LongCalls(owner, calls)
        # "with" the lock itself: the condition's own __enter__ may be interrupted once it has the lock.
        self._lock = threading.RLock()
        self._condition = threading.Condition(self._lock)
        self._thread = OneThread(self._run, name)
        self._new_since: float | None = None  # when the first event came that no step has seen, on the monotonic clock
        self._is_hurried = False  # these events are not to gather any longer
        self._deadline: float | None = None  # of close()
        self._is_closing = False  # the thread has taken a step since close() began
        self._log_throttle = LogThrottle()

    def ensure_thread(self) -> bool:
        """Start the thread if there is none; returns False, and logs it, if that must be tried again."""
        if self._thread.ensure():
            return True
        if self._log_throttle.allows("no thread"):
            logger.error("%r: no thread to forward from it could be started; it will be tried again", self._owner)
        return False

    def wake(self, since: float | None = None, *, now: bool = False) -> None:
        """Say that there are new events.

        :param since: when the first of them came, on the monotonic clock; ``None`` for now.
        :param now: True if they are to be forwarded at once.
        """
        if self._new_since is None or (now and not self._is_hurried):
            with self._lock:
                if self._new_since is None:
                    self._new_since = time.monotonic() if since is None else since
                self._is_hurried = self._is_hurried or now
                self._condition.notify_all()
        self.ensure_thread()

    def close(self, timeout: float | None, *, for_good: bool) -> None:
        """Have the thread forward what it can within *timeout* seconds, and end.

        :param for_good: True if the thread is to end also if it takes longer, as soon as its step has ended.
        """
        with self._lock:
            self._is_closing = False
            self._deadline = time.monotonic() + (threading.TIMEOUT_MAX if timeout is None else timeout)
            try:
                self._condition.notify_all()
                self._condition.wait_for(lambda: not self._thread.is_there(), timeout)
            finally:
                if not for_good:
                    self._deadline = None

    def _run(self) -> None:
        watch(self._long_calls)
        step = NOTHING_LEFT
        try:
            while self._wait(step):
                step = self._step()
        finally:
            self._end()

    def _step(self) -> Step:
        try:
            return self._work.step()
        except Exception:
            if self._log_throttle.allows("fault"):
                logger.exception("forwarding from %r failed; it will be tried again", self._owner)
            self._work.give_up(after_fault=True)
            return Step(PAUSE_AFTER_FAULT, idle=False)

    def _wait(self, step: Step) -> bool:
        """Wait until the next step is due; returns False if the thread is to end instead."""
        with self._lock:
            began = time.monotonic()
            while True:
                now = time.monotonic()
                if self._deadline is not None:
                    if self._is_to_end(step, now):
                        self._new_since = None
                        return False
                    if not self._is_closing:
                        self._is_closing = True
                        break
                if (due := self._due(step, began)) <= now:
                    break
                self._condition.wait(min(due - now, threading.TIMEOUT_MAX))
            self._new_since, self._is_hurried = None, False
            return True

    def _is_to_end(self, step: Step, now: float) -> bool:
        """Return True if the thread, which is being closed, is to take no other step."""
        if self._deadline is None or now >= self._deadline:
            return True
        if not self._is_closing or not step.wait:
            return False
        return self._pause_when_closing is None or (step.nothing_is_left and self._new_since is None)

    def _due(self, step: Step, began: float) -> float:
        """Return when the next step is due, on the monotonic clock.

        :param began: when the wait began.
        """
        due = began + step.wait
        if step.nothing_is_left and self._new_since is None:
            due = began + LOOK
        if step.idle and self._new_since is not None:
            gathers = not self._is_hurried and self._deadline is None
            due = min(due, self._new_since + self._gather if gathers else 0.0)
        if self._deadline is not None and self._pause_when_closing is not None:
            due = min(due, began + self._pause_when_closing, self._deadline)
        return due

    def _end(self) -> None:
        """Leave the work to the next thread, and start that one if there are new events."""
        try:
            self._work.give_up(after_fault=False)  # without the lock: it may wait for the disk
        finally:
            unwatch(self._long_calls)
            with self._lock:
                is_awaited, self._new_since = self._new_since is not None, None
                self._thread.leave()
                self._condition.notify_all()
        if is_awaited:
            self.ensure_thread()
