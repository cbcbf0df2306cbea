"""Collects the items that threads want stored, and has one of the threads store them for all."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from .batch import Batch, Caller, Unknown, open_gate, raise_for
from .lanes import LOOK, Lanes, NotBegun

_T = TypeVar("_T")

# A leader gives up its turn at most this often, so that as many threads can join its batch as joined the last one. A
# turn is shorter than a commit. That is also true if other threads compute, although each wait for the interpreter
# then takes five milliseconds or more.
_TURNS = 2
# The followers of a batch wait at a gate, which is a lock. A follower that gets through opens the gate for the next
# one, so they wake up one after another. If all woke up at once, the next leader would have to wait for its turn. If
# turns are slow, one gate lets the followers through too slowly, so the batch then has more gates. Measured speed as a
# share of a plain group commit's: one gate 0.87 to 0.89, four gates 0.73; beside two threads that compute, one gate
# 0.73, four gates 0.92.
_MANY_GATES = 4
_SLOW_TURN = 0.002  # seconds


class GroupCommit(Generic[_T]):
    """Lets threads share commits. It needs no thread of its own and adds no delay.

    The slower a commit is, the more items gather for the next one.

    :param commit: stores a list of items, in order. It returns the errors of
        those that it did not store, each under its item's place in the list.
        What it raises ends the leader; then nobody is told that his item is stored.
    :param lanes: how many commits may run at the same time.
    :param most: the most that items of one commit may weigh together; a single one may weigh more.
    :ivar lanes: the lanes, each of which one commit has.
    """

    def __init__(
        self, commit: Callable[[list[_T]], Mapping[int, Exception]], *, lanes: int = 1, most: float = math.inf
    ) -> None:
        self.lanes = Lanes(lanes, wake_next=self._wake_next, somebody_waits=lambda: self._line or self._behind)
        self._commit = commit
        self._most = most
        self._line: deque[Batch[_T]] = deque()  # guarded by the mutex of the lanes
        self._behind: deque[Batch[_T]] = deque()
        self._last_size = 0  # items in the last batch
        self._gates = 1  # of the batch that begins next

    def __call__(self, item: _T, *, weight: int = 1, behind: bool = False, patience: float = math.inf) -> None:
        """Store *item*, and return once it is stored.

        :param weight: how much of a commit it takes up.
        :param behind: let others go first, and share no commit with them.
        :param patience: seconds.
        :raises NotBegun: if it was not tried within *patience* seconds.
        :raises Unknown: if it is not known whether it is stored.
        :raises RuntimeError: from within a commit, or in a thread that waits for one and was interrupted.
        :raises Exception: the error of this item.
        :raises BaseException: to the leader, what ended the commit.
        """
        caller = Caller(item)
        failures: Mapping[int, Exception] | None
        answer: Exception | None = None
        try:
            if self._last_size < 2 and self.lanes.take_at_once(caller):
                failures = self._commit_alone(caller)
            else:
                batch = self._join(caller, weight, behind, patience)
                try:
                    if batch.leader is caller:
                        self._lead(batch, caller, patience)
                    else:
                        self._follow(batch, caller, patience)
                finally:
                    self.lanes.in_line.pop(caller.thread, None)
                failures, answer = batch.failures, batch.answer
                del batch
        finally:
            caller.has_left = True
        if failures is None or failures:
            try:
                raise_for(caller, failures, answer)
            finally:
                del failures, answer  # they have the error, whose traceback has this frame: a circle

    @property
    def waiting(self) -> int:
        """How many items wait for a lane; if there are any, a leader waits with them."""
        lines = (self._line, self._behind)
        return sum(len(batch.callers) for line in lines for batch in list(line) if not batch.begun)

    @property
    def gates(self) -> int:
        """How many gates the followers of the next commit wait at."""
        return self._gates

    @property
    def last_commit_was_shared(self) -> bool:
        """True if several threads shared the last commit."""
        return self._last_size > 1

    def answer_waiting(self, error: Exception) -> None:
        """Tell everybody who waits in line that his item fails with *error*, without a try."""
        with self.lanes.mutex:
            for line in (self._line, self._behind):
                for batch in line:
                    if not batch.begun:
                        batch.answer = error
                        batch.begun = batch.done = True
                        batch.open_gates()
                        if batch.leader.wake is not None:
                            open_gate(batch.leader.wake)

    def _commit_alone(self, caller: Caller[_T]) -> Mapping[int, Exception]:
        """Commit the item of a caller who has a lane, and whom nobody joins."""
        try:
            return self._commit([caller.item])
        finally:
            self.lanes.give_back(caller)

    def _join(self, caller: Caller[_T], weight: int, behind: bool, patience: float) -> Batch[_T]:
        if not self.lanes.admit(caller.came - 2 * patience):
            raise NotBegun(2 * patience, is_stuck=True)
        with self.lanes.mutex:
            self.lanes.in_line[caller.thread] = caller
            line = self._behind if behind else self._line
            batch = line[-1] if line and not behind else None
            if batch is None or batch.begun or (batch.weight and batch.weight + weight > self._most):
                batch = Batch(caller, caller.came + patience / 2 if behind else 0.0)
                line.append(batch)
            elif batch.leader.has_left:
                batch.leader = caller
            caller.place = len(batch.callers)
            batch.weight += weight
            batch.callers.append(caller)
            if batch.leader is not caller:
                caller.gate = batch.gate_of(caller, self._gates)
            elif self.lanes.has_free() and self._next() is batch:
                self.lanes.take(caller)
                caller.has_lane = True
            return batch

    def _lead(self, batch: Batch[_T], caller: Caller[_T], patience: float) -> None:
        try:
            if not caller.has_lane and not self._wait_for_lane(batch, caller, patience):
                return
            if len(batch.callers) < self._last_size and not batch.stands_behind_until:
                self._gather(batch)
            batch.failures = self._commit(self._begin(batch))
        finally:
            batch.done = batch.begun
            self.lanes.give_back(caller)
            batch.open_gates()  # if it has not begun, one of the followers leads it from now on

    def _wait_for_lane(self, batch: Batch[_T], caller: Caller[_T], patience: float) -> bool:
        """Take a lane for *batch*; returns False if it was answered without one."""
        while True:
            with self.lanes.mutex:
                if batch.begun:
                    return False
                if self.lanes.has_free() and self._next() is batch:
                    self.lanes.take(caller)
                    return True
                wake = caller.waiting_place()
            if (remaining := caller.came + patience - time.monotonic()) <= 0:
                raise NotBegun(patience)
            wake.acquire(timeout=min(remaining, LOOK))

    def _gather(self, batch: Batch[_T]) -> None:
        for _ in range(_TURNS):
            turn_began = time.monotonic()
            time.sleep(0)
            self._gates = _MANY_GATES if time.monotonic() - turn_began > _SLOW_TURN else 1
            if len(batch.callers) >= self._last_size:
                break

    def _begin(self, batch: Batch[_T]) -> list[_T]:
        """Let nobody join *batch* any more; returns its items, without those whose callers have left."""
        with self.lanes.mutex:
            batch.begun = True
            items: list[_T] = []
            for caller in batch.callers:
                if not caller.has_left:
                    caller.place = len(items)
                    items.append(caller.item)
            self._last_size = len(items)
            self._next()  # so that no line holds the batch any more, and what becomes of it
            if self._line or self._behind:
                self.lanes.wake()
            return items

    def _follow(self, batch: Batch[_T], caller: Caller[_T], patience: float) -> None:
        gate, remaining = caller.gate, patience
        while True:
            got_through = gate.acquire(timeout=LOOK if remaining > LOOK else max(0.0, remaining))
            if batch.done:
                if got_through:
                    open_gate(gate)
                return
            if self._has_to_lead(batch, caller, patience):
                self._lead(batch, caller, patience)
                return
            remaining = caller.came + (2 * patience if batch.begun else patience) - time.monotonic()

    def _has_to_lead(self, batch: Batch[_T], caller: Caller[_T], patience: float) -> bool:
        """Look at what a follower waits for; returns True if nobody leads, so that he has to."""
        waited = time.monotonic() - caller.came
        with self.lanes.mutex:
            if batch.done:
                return False
            if batch.begun:
                if batch.leader.has_left:
                    raise Unknown("the thread that was storing this was ended")
                if waited >= 2 * patience:
                    raise Unknown(f"the call that was storing this has not ended after {2 * patience:g} seconds")
            elif batch.leader.has_left:
                batch.leader = caller
                return True
            elif waited >= patience:
                caller.has_left = True
                raise NotBegun(patience)
            return False

    def _next(self) -> Batch[_T] | None:
        """The batch that is first in line, where those that are over stand no more."""
        for line in (self._line, self._behind):
            while line and line[0].is_over():
                line.popleft()
        if self._behind and (not self._line or self._behind[0].stands_behind_until <= time.monotonic()):
            return self._behind[0]
        return self._line[0] if self._line else None

    def _wake_next(self) -> None:
        batch = self._next()
        if batch is not None and batch.leader.wake is not None:
            open_gate(batch.leader.wake)
