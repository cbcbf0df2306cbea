"""The way that each call of the user's takes: a thread, a task, or the queue of a sink that takes batches."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Generator
from typing import Any

from ..sinks.base import Unavailable, start_of
from ..system.callables import is_awaited, raise_if_unfinished
from ..system.fork import PerProcess
from .calls import Awaited, Outcome, Pending, Threads, begin_task, drop_tasks_of_closed_loops, keep_task
from .closing import flush_and_close
from .gather import Gatherer, ThreadGatherer, gathers
from .gather_tasks import TaskGatherer
from .load import Load
from .methods import call_method, wait_while

logger = logging.getLogger("pixelmw.requests")


class Ways:
    """Begins calls, and bounds how many wait.

    :param threads: the most threads for callables that are no batch sink.
    :param max_waiting: the most calls that wait or are under way.
    """

    def __init__(self, sink: Any, threads: int, max_waiting: int) -> None:
        for name, value in (("threads", threads), ("max_waiting", max_waiting)):
            if not isinstance(value, int) or isinstance(value, bool):
                raise TypeError(f"{name} is {value!r}: give a whole number")
            if value < 1:
                raise ValueError(f"{name} is {value!r}: give at least 1")
        self.sink = sink
        self._threads = Threads(threads)
        self._load = PerProcess(lambda: Load(max_waiting))
        destination: Any = sink.function if isinstance(sink, Awaited) else sink
        self._gatherer: Gatherer | None = None
        if gathers(destination):
            kind = TaskGatherer if is_awaited(destination.write) else ThreadGatherer
            self._gatherer = kind(destination)
        self._destination = destination
        #: The steps of each request whose client has gone away and that are driven on, with their loop.
        self.gone_on: dict[object, asyncio.AbstractEventLoop] = {}

    @property
    def waiting(self) -> int:
        """How many calls wait or are under way."""
        return self._load.get().calls

    def start(self) -> None:
        """Start the sink, if it has a ``start``, and do not wait for that. What it raises is logged."""
        start = start_of(self._destination)
        if start is None:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # trio, under which a pixel is refused
            return
        keep_task(loop.create_task(self._start(start)))

    async def _start(self, start: Callable[[], Any]) -> None:
        try:
            if is_awaited(start):
                raise_if_unfinished("the method start", start, await start())
            else:
                await call_method("start", start, start)
        except Exception:
            logger.exception("%r could not be started; its first event will try again", self._destination)

    def begin(self, function: Callable[..., Any], arguments: tuple[Any, ...], chars: int) -> Pending | Outcome:
        """Call *function* with *arguments*.

        :param chars: characters that the call keeps in memory.
        :return: the outcome, if it is known by now; also if too many calls wait already.
        """
        load = self._load.get()
        loop = asyncio.get_running_loop() if isinstance(function, Awaited) else None
        place = load.enter(chars, loop)
        if place is None:
            if load.leave_closed_loops():
                drop_tasks_of_closed_loops()
                place = load.enter(chars, loop)
            if place is None:
                return None, Unavailable(f"{load.calls} calls wait already")
        gatherer = self._gatherer if function is self.sink else None
        try:
            if gatherer is None and isinstance(function, Awaited):
                return begin_task(place, function, arguments)
            pending = Pending(place)
            if gatherer is not None:
                gatherer.begin(pending, arguments[0])
            else:
                self._threads.begin(pending, function, arguments)
        except BaseException as raised:  # no thread can start, or it is no call that can be awaited
            place.leave()  # once, also if a thread has taken the call all the same
            return None, raised
        return pending

    async def close(self, timeout: float) -> None:
        """Wait for what is under way, and flush and close the sink, within *timeout* seconds each."""
        await wait_while(lambda: self.waiting or self._somebody_goes_on(), timeout)
        await flush_and_close(self._destination, timeout)

    def note_gone_on(self, steps: object, loop: asyncio.AbstractEventLoop) -> None:
        """Note that *steps* are driven on without a client; whoever drives them to their end takes them out."""
        self._drop_closed_loops()
        if not loop.is_closed():
            self.gone_on[steps] = loop

    def forget_if_ended(self, steps: Generator[Any, Any, Any]) -> None:
        """Take out *steps* if they have ended."""
        if self.gone_on and inspect.getgeneratorstate(steps) == inspect.GEN_CLOSED:
            self.gone_on.pop(steps, None)

    def _somebody_goes_on(self) -> bool:
        self._drop_closed_loops()
        return bool(self.gone_on)

    def _drop_closed_loops(self) -> None:
        for steps, loop in list(self.gone_on.items()):
            if loop.is_closed():
                self.gone_on.pop(steps, None)
