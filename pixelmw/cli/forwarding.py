"""Runs the steps of ``drain`` on a thread of its own, so that a call that hangs can be given up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from ..delivery.disk.drain_lock import DrainLock
from ..delivery.disk.drainer import Drainer
from ..delivery.disk.turns import GATHER
from ..delivery.worker import Step
from ..system.threads import Task

#: Seconds between two looks for new events.
SCAN_INTERVAL = 1.0
#: Seconds that a call which is under way at the end has to come back: the next process sends its events again. A call
#: that goes well takes a fraction of a second.
PATIENCE = 1.0


class Forwarding:
    """Forwards the events of a spool, until nothing is left, the time is over or it is interrupted.

    :param drainer: makes the steps.
    :param lock: the drain lock, which this process holds. If it loses it, it makes no other step.
    :param follow: also forward what comes in later.
    :param deadline: on the monotonic clock.
    :param checks: called before and after each step; what they raise ends the forwarding.
    :param draw: called after each step with the number of events that are done.
    :ivar is_given_up: True if a step had not ended when the time was over. It makes no call of the sink any more.
    :ivar lost_turn: why this process has lost the drain lock, in words; empty if it has not.
    :ivar waited_for: what it was waiting for when the time was over, in words; empty if it was not over.
    """

    def __init__(
        self,
        drainer: Drainer,
        lock: DrainLock,
        *,
        follow: bool,
        deadline: float,
        checks: Sequence[Callable[[], object]],
        draw: Callable[[int], object],
    ) -> None:
        self.is_given_up = False
        self.lost_turn = ""
        self.waited_for = ""
        self._drainer = drainer
        self._lock = lock
        self._follow = follow
        self._deadline = deadline
        self._checks = checks
        self._draw = draw
        self._is_to_end = threading.Event()

    def run(self) -> None:
        """Forward, and raise what a step raised. Ctrl-C ends it as the end of the time does."""
        task = Task(self._forward, "pixelmw-drain")
        try:
            with suppress(KeyboardInterrupt):
                task.wait(self._deadline - time.monotonic())
        finally:
            self._is_to_end.set()
            self._drainer.calls.stop()
        with suppress(KeyboardInterrupt):
            task.wait(PATIENCE)
        if task.is_done():
            task.result()
            return
        self.is_given_up = True
        call = self._drainer.calls.current()
        self.waited_for = "the disk" if call is None else f"a call of {call[0]!r}, which has lasted for {call[1]:.1f} s"
        self._drainer.give_up()

    def _step(self) -> Step | None:
        """Make a step; returns ``None`` if this process has lost its turn, and knows nothing of the directory."""
        self._run_checks()
        if not self._has_turn():
            return None
        try:
            step = self._drainer.step()
        except OSError:
            if self._has_turn():
                raise
            return None
        self._run_checks()
        # A step finds nothing in a directory that was deleted, which does not mean that nothing is left.
        return step if self._has_turn() else None

    def _run_checks(self) -> None:
        for check in self._checks:
            check()

    def _has_turn(self) -> bool:
        try:
            self._lock.check()
        except OSError as error:
            self.lost_turn = str(error)
        return not self.lost_turn

    def _forward(self) -> None:
        while not self._is_to_end.is_set():
            if (step := self._step()) is None:
                return
            if not self._is_to_end.is_set():
                counts = self._drainer.forwarder.counts
                self._draw(counts["forwarded"] + counts["dead"])
            if step.nothing_is_left and not self._follow:
                return
            pause = SCAN_INTERVAL if step.nothing_is_left else step.wait
            if self._follow and self._drainer.has_caught_up:
                pause = max(pause, GATHER)  # what comes meanwhile shares a batch
            if time.monotonic() + pause > self._deadline:
                if step.wait and not step.nothing_is_left:
                    self.waited_for = self._drainer.obstacle
                return
            self._is_to_end.wait(pause)
