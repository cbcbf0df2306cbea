"""Calls of the user's callables outside the event loop's way: in threads, or as tasks.

A request waits for a :class:`Pending` each time. If its client goes away
meanwhile, the server may cancel the request; what was begun goes on all the same,
and the steps of that request are then driven to their end, so that an event is
counted where it is stored.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from ..system.failures import ends_the_call_only
from ..system.fork import PerProcess

#: What a call returned, or what it raised.
Outcome = tuple[Any, BaseException | None]


class Awaited:
    """Stands for a coroutine function among callables that are called: its result is awaited by the shell."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __repr__(self) -> str:
        return repr(self.function)

    def __call__(self, *arguments: object) -> Any:
        return self.function(*arguments)


class Pending:
    """A call that was begun, and the request that waits for it, in the loop of that request.

    :param then: called once, in any thread, when the outcome is known.
    :ivar loop: the loop of the request.
    """

    __slots__ = ("_future", "_then", "_when_abandoned", "loop")

    def __init__(self, then: Callable[[], object]) -> None:
        self.loop = asyncio.get_running_loop()
        self._future: asyncio.Future[Outcome] = self.loop.create_future()
        self._then = then
        self._when_abandoned: Callable[[Outcome], object] | None = None

    async def outcome(self, when_abandoned: Callable[[Outcome], object]) -> Outcome:
        """Wait for the outcome.

        :param when_abandoned: called with it later, if the request is cancelled first.
        """
        try:
            return await self._future
        except BaseException:
            self._when_abandoned = when_abandoned
            raise

    def note(self) -> None:
        """Note that the outcome is known."""
        self._then()

    def settle(self, outcome: Outcome) -> None:
        """Give the request its outcome; to be called in its loop."""
        if not self._future.done():
            self._future.set_result(outcome)
        elif self._when_abandoned is not None:
            self._when_abandoned(outcome)


def settle_all(settled: Iterable[tuple[Pending, Outcome]]) -> None:
    """Give each request its outcome, in whichever thread this is; one wake-up for each loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[Pending, Outcome]]] = {}
    for pending, outcome in settled:
        pending.note()
        by_loop.setdefault(pending.loop, []).append((pending, outcome))
    for loop, of_loop in by_loop.items():
        with suppress(RuntimeError):  # the loop is closed, and nobody waits in it
            loop.call_soon_threadsafe(_settle_each, of_loop)


def _settle_each(settled: list[tuple[Pending, Outcome]]) -> None:
    for pending, outcome in settled:
        pending.settle(outcome)


class Threads:
    """A pool of threads in each process, which starts with the first call.

    :param count: the most threads.
    """

    def __init__(self, count: int) -> None:
        self._pool = PerProcess(lambda: ThreadPoolExecutor(count, thread_name_prefix="pixelmw"))

    def begin(self, pending: Pending, function: Callable[..., object], arguments: tuple[object, ...]) -> None:
        """Call *function* in a thread, with the context variables of the request."""
        self._pool.get().submit(_call, pending, contextvars.copy_context(), function, arguments)


def _call(
    pending: Pending, context: contextvars.Context, function: Callable[..., object], arguments: tuple[object, ...]
) -> None:
    outcome: Outcome
    try:
        outcome = context.run(function, *arguments), None
    except BaseException as raised:
        outcome = None, as_exception(raised, function)
    settle_all([(pending, outcome)])


def as_exception(raised: BaseException, function: object) -> BaseException:
    """*raised*, or an ``Exception`` in its place if it was to end that thread or task only (``system.failures``)."""
    if isinstance(raised, Exception) or not ends_the_call_only(raised):
        return raised
    error = RuntimeError(f"{function!r} raised {type(raised).__name__}")
    error.__cause__ = raised
    return error


def begin_task(pending: Pending, coroutine: Coroutine[Any, Any, object], function: object) -> None:
    """Await *coroutine* in a task of its own."""

    def done(task: asyncio.Task[object]) -> None:
        pending.note()
        if task.cancelled():
            pending.settle((None, RuntimeError(f"{function!r} was cancelled")))
        elif (raised := task.exception()) is not None:
            pending.settle((None, raised))
        else:
            pending.settle((task.result(), None))

    keep_task(pending.loop.create_task(coroutine)).add_done_callback(done)


# A loop holds its tasks by weak references.
_tasks: set[asyncio.Task[Any]] = set()


def keep_task(task: asyncio.Task[Any]) -> asyncio.Task[Any]:
    """Keep *task* until it has ended."""
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)
    return task
