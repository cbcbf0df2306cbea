"""The callers of a group commit, and the batch that they share."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from ..errors import copy_of

_T = TypeVar("_T")


class Unknown(RuntimeError):
    """It is not known what became of the item: the commit has taken too long, or its thread was ended."""


class Turn:
    """A lane, or all of them, for one thread; made before it is taken.

    :ivar has_left: True once the thread has gone on, whatever ended it; then it holds nothing any more.
    :ivar wake: what the thread waits at for its turn, if it has to.
    """

    __slots__ = ("has_left", "thread", "wake")

    def __init__(self) -> None:
        self.thread = threading.get_ident()
        self.has_left = False
        self.wake: Any = None

    def waiting_place(self) -> Any:
        """Return the lock to wait at; :func:`open_gate` ends the wait."""
        if self.wake is None:
            self.wake = closed_gate()
        return self.wake


class Caller(Turn, Generic[_T]):
    """A thread that wants *item* stored.

    :ivar came: when, on the monotonic clock.
    :ivar place: the place of the item in the commit, once that is under way.
    :ivar has_lane: True if there was a free lane when he came.
    :ivar gate: the gate at which he waits, if he follows.
    """

    __slots__ = ("came", "gate", "has_lane", "item", "place")

    def __init__(self, item: _T) -> None:  # without super(), since there is one for each event
        self.thread = threading.get_ident()
        self.has_left = False
        self.wake = None
        self.item = item
        self.came = time.monotonic()
        self.place = 0
        self.has_lane = False
        self.gate: Any = None


class Batch(Generic[_T]):
    """The items of one commit, and its result.

    :ivar stands_behind_until: until when it lets others go first, on the monotonic clock; 0 if it does not.
    :ivar begun: True once nobody can join it any more.
    :ivar done: True once its result is there.
    :ivar failures: the result of the commit: errors by place; ``None`` as long as it is not known.
    :ivar answer: what all of its callers are told instead of a commit.
    """

    __slots__ = (
        "answer",
        "begun",
        "callers",
        "done",
        "failures",
        "gates",
        "leader",
        "stands_behind_until",
        "weight",
    )

    def __init__(self, leader: Caller[_T], stands_behind_until: float) -> None:
        self.leader = leader
        self.callers: list[Caller[_T]] = []
        self.weight = 0
        self.stands_behind_until = stands_behind_until
        self.gates: list[Any] = []
        self.begun = False
        self.done = False
        self.failures: Mapping[int, Exception] | None = None
        self.answer: Exception | None = None

    def is_over(self) -> bool:
        """Return True if nobody waits in line with it: it has begun, or all of its callers have left."""
        return self.begun or (self.leader.has_left and all(caller.has_left for caller in self.callers))

    def gate_of(self, caller: Caller[_T], gates: int) -> Any:
        """Return the gate at which a follower waits. The first follower makes all of them.

        Under gevent, each has his own. Who is second at a lock of gevent's waits for the event loop of the thread that
        was first, and a thread of gevent's pool runs its loop only while it waits.
        """
        if not self.gates:
            self.gates = [closed_gate() for _ in range(gates)]
        elif type(self.gates[0]).__module__ != "_thread":
            self.gates.append(closed_gate())
            return self.gates[-1]
        return self.gates[caller.place % len(self.gates)]

    def open_gates(self) -> None:
        """Let one follower through each gate; each opens it for the next one."""
        for gate in self.gates:
            open_gate(gate)


def raise_for(caller: Caller[_T], failures: Mapping[int, Exception] | None, answer: Exception | None) -> None:
    """Raise the error of *caller*, if it has one."""
    error: Exception | None
    if answer is not None:
        error = copy_of(answer)
    elif failures is None:
        error = Unknown("the thread that was storing this was ended")
    else:
        error = failures.get(caller.place)
    if error is not None:
        try:
            raise error
        finally:
            del error, failures, answer


def closed_gate() -> Any:
    """Return a lock that is locked. It is made when it is needed, so that it is of the kind that gevent puts there."""
    gate = threading.Lock()
    gate.acquire()
    return gate


def open_gate(gate: Any) -> None:
    """Let one thread through, which may come later."""
    try:  # noqa: SIM105 - suppress() costs as much as all the rest of a follower
        gate.release()
    except RuntimeError:  # it is open already
        pass
