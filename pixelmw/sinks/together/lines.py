"""The line of each sink object, kept beside it: who writes, and who waits."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from ...events import Event
from ...system.fork import PerProcess, take_before_fork
from ...system.groupcommit import GroupCommit
from ...system.groupcommit.batch import Turn
from ...system.logs import LogThrottle

#: Of a sink that does not say: seconds for a ``write``, how many at a time, and events of one.
DEFAULT_TIMEOUT, DEFAULT_LANES, DEFAULT_MOST_TOGETHER = 10.0, 1, 500
_NUMBERS = int, float  # not int | float, which is made anew each time, and costs twice as much to look at


Write = Callable[[Sequence[Event]], object]


class Visit(NamedTuple):
    """One call of :func:`.store`.

    :ivar write: stores events: the ``write`` of *sink*.
    :ivar once: True for one call of *write*, whose error is passed on as it is.
    :ivar timeout: seconds that *write* may take.
    :ivar came: when, on the monotonic clock.
    :ivar thread: the ident of who called.
    """

    sink: object
    write: Write
    events: Sequence[Event]
    once: bool
    timeout: float
    came: float
    thread: int


Judge = Callable[["Line", list[Visit]], Mapping[int, Exception]]


class Line:
    """Who writes to one sink, and who waits for it, in one process.

    :ivar sink: returns the sink, or ``None`` if it is gone.
    :ivar group: lets visits share a ``write``.
    :ivar stored: how many writes have stored something.
    """

    def __init__(self, sink: Any, judge: Judge, on_end: Callable[[object], object]) -> None:
        self.group: GroupCommit[Visit] = GroupCommit(
            lambda visits: judge(self, visits),
            lanes=_number_of(sink, "lanes", DEFAULT_LANES),
            most=_number_of(sink, "most_together", DEFAULT_MOST_TOGETHER),
        )
        self.stored = 0
        self.log_throttle = LogThrottle()
        self.sink: Callable[[], Any] = lambda: sink
        with suppress(TypeError):  # __slots__ without __weakref__: then the line keeps the sink alive
            self.sink = weakref.ref(sink, on_end)
        self._fork_turn = Turn()
        take_before_fork(self)

    def take(self, timeout: float) -> None:
        """Take all lanes before a fork, unless this thread forks within a ``write``."""
        sink = self.sink()
        lanes = self.group.lanes
        self._fork_turn = Turn()
        if sink is None or lanes.is_inside() or not lanes.take_all(self._fork_turn, timeout):
            return
        if callable(prepare := getattr(sink, "_before_fork", None)):
            prepare()

    def give_back(self) -> None:
        """Give the lanes back after a fork."""
        self.group.lanes.give_back(self._fork_turn)


# By the id of the sink: a sink need not be hashable, and a frozen one takes no attribute.
_lines: PerProcess[dict[int, Line]] = PerProcess(dict)


def line_of(sink: Any, judge: Judge) -> Line:
    """Return the line of *sink*, which is made when it is first needed in a process.

    :param judge: stores the events of visits that share a ``write``, and
        returns what each visit is to be told, if not all of its events are stored.
    """
    lines, key = _lines.get(), id(sink)
    line = lines.get(key)
    if line is None or line.sink() is not sink:  # then it is the line of one that had this id before
        if line is not None:
            lines.pop(key, None)
        line = lines.setdefault(key, Line(sink, judge, lambda _: lines.pop(key, None)))
    return line


def _number_of(sink: object, name: str, default: int) -> int:
    """Return an attribute of *sink* that is a number from 1 on; *default* if it is none, as that of a mock."""
    number = getattr(sink, name, default)
    return number if isinstance(number, int) and number > 0 else default


def timeout_of(sink: object) -> float:
    """Return the seconds that a ``write`` of *sink* may take."""
    timeout = getattr(sink, "timeout", None)
    return float(timeout) if isinstance(timeout, _NUMBERS) and timeout > 0 else DEFAULT_TIMEOUT
