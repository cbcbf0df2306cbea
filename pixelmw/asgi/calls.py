"""Calls of the user's callables outside the event loop's way: in threads, or as tasks.

A request waits for a :class:`Pending` each time. If its client goes away
meanwhile, the server may cancel the request; what was begun goes on all the same,
and the steps of that request are then driven to their end, so that an event is
counted where it is stored.
"""

from __future__ import annotations

import asyncio
import contextvars
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from ..system.failures import ends_the_call_only
from ..system.fork import PerProcess
from .load import Place

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

    @property
    def stats(self) -> Any:
        """The ``stats`` of a sink that has them."""
        return self.function.stats  # type: ignore[attr-defined]  # getattr asks


class Pending:
    """A call that was begun, and the request that waits for it, in the loop of that request.

    ============================================  =======================================================
    what happens                                  what becomes of the outcome
    ============================================  =======================================================
    the call ends before the request waits        the request has it at once
    the call ends while the request waits         the request wakes up with it
    the request is cancelled, then the call ends  ``go_on`` is called with it
    both happen in one turn of the loop           the same, whichever came first
    the loop is closed, then the call ends        ``go_on`` is called with it, in the thread of the call
    ============================================  =======================================================

    :param place: the place of the call, which is left once its outcome is known.
    :ivar loop: the loop of the request.
    """

    __slots__ = ("_future", "_go_on", "_outcome", "_place", "loop")

    def __init__(self, place: Place) -> None:
        self.loop = asyncio.get_running_loop()
        self._place = place
        self._outcome: Outcome | None = None
        self._future: asyncio.Future[Outcome] | None = None  # while the request waits
        self._go_on: Callable[[Outcome], object] | None = None

    async def outcome(self, go_on: Callable[[Outcome], object]) -> Outcome:
        """Wait for the outcome.

        :param go_on: called with it if the request is cancelled, in the loop; once that is closed, where the call ends.
        """
        if self._outcome is not None:
            return self._outcome
        self._go_on = go_on
        self._future = self.loop.create_future()
        try:
            return await self._future
        except BaseException:
            self._future = None
            if self._outcome is not None and not self.loop.is_closed():
                go_on(self._outcome)
            raise

    def note(self) -> None:
        """Note, once, in whichever thread, that the call has ended."""
        self._place.leave()

    def settle(self, outcome: Outcome) -> None:
        """Give the request its outcome; to be called in its loop."""
        self._outcome = outcome
        if self._future is None:
            self.settle_without_loop(outcome)
        elif not self._future.done():
            self._future.set_result(outcome)

    def settle_without_loop(self, outcome: Outcome) -> None:
        """Have the request, which waits no more, go on with its outcome."""
        self._outcome = outcome
        if self._go_on is not None:
            self._go_on(outcome)


def settle_all(settled: Iterable[tuple[Pending, Outcome]]) -> None:
    """Give each request its outcome, in whichever thread this is; one wake-up for each loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[Pending, Outcome]]] = {}
    for pending, outcome in settled:
        pending.note()
        by_loop.setdefault(pending.loop, []).append((pending, outcome))
    for loop, of_loop in by_loop.items():
        try:
            loop.call_soon_threadsafe(_settle_each, of_loop)
        except RuntimeError:  # it is closed
            for pending, outcome in of_loop:
                pending.settle_without_loop(outcome)


def _settle_each(settled: list[tuple[Pending, Outcome]]) -> None:
    for pending, outcome in settled:
        pending.settle(outcome)


class Threads:
    """A pool of threads in each process, which starts with the first call.

    :param count: the most threads.
    """

    def __init__(self, count: int) -> None:
        self._pool = PerProcess(partial(ThreadPoolExecutor, count, "pixelmw"))

    def begin(self, pending: Pending, function: Callable[..., object], arguments: tuple[object, ...]) -> None:
        """Call *function* in a thread, with the context variables of the request."""
        submit(self._pool, _call, pending, contextvars.copy_context(), function, arguments)


def submit(pool: PerProcess[ThreadPoolExecutor], function: Callable[..., object], *arguments: object) -> None:
    """Call *function* in a thread of *pool*.

    :raises RuntimeError: if no thread can start. The pool is then given up: it would keep the call for a thread that
        never comes.
    """
    try:
        pool.get().submit(function, *arguments)
    except RuntimeError:
        pool.pop()
        raise


def _call(
    pending: Pending, context: contextvars.Context, function: Callable[..., object], arguments: tuple[object, ...]
) -> None:
    outcome: Outcome
    try:
        outcome = context.run(function, *arguments), None
    except BaseException as raised:
        outcome = None, as_exception(raised, function)
    pending.note()
    try:
        pending.loop.call_soon_threadsafe(pending.settle, outcome)
    except RuntimeError:  # it is closed
        pending.settle_without_loop(outcome)


def as_exception(raised: BaseException, function: object) -> BaseException:
    """*raised*, or an ``Exception`` in its place if it was to end that thread or task only (``system.failures``)."""
    if isinstance(raised, Exception) or not ends_the_call_only(raised):
        return raised
    error = RuntimeError(f"{function!r} raised {type(raised).__name__}")
    error.__cause__ = raised
    return error


def begin_task(place: Place, function: Awaited, arguments: tuple[object, ...]) -> Pending | Outcome:
    """Call *function*, and await the coroutine that it returns in a task of its own.

    From Python 3.12 on, the task begins at once. If it has to wait for nothing,
    this returns its outcome, and the loop takes no turn for it.

    :param place: the place of the call, which has it still if this raises.
    :raises BaseException: what the call raises, before there is a coroutine.
    """
    coroutine = function.function(*arguments)
    if threading.current_thread() is not threading.main_thread():
        coroutine = _ending_itself_only(coroutine, function)
    task = _begun(asyncio.get_running_loop(), coroutine)
    del coroutine
    try:
        if task.done():
            place.leave()
            return _outcome_of(task, function)
        pending = Pending(place)
        _tasks.add(task)
        task.add_done_callback(partial(_task_ended, pending, function))
        return pending
    finally:
        del task  # it keeps the traceback of its error, which leads to this frame: they would make a circle


async def _ending_itself_only(coroutine: Awaitable[object], function: object) -> object:
    """Await *coroutine*, which may raise what would end the loop and all that runs in it."""
    try:
        return await coroutine
    except SystemExit as raised:
        raise as_exception(raised, function) from raised


def _begun(loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, object]) -> asyncio.Task[object]:
    # Whoever sets a factory wants to see each task.
    if sys.version_info >= (3, 12) and loop.get_task_factory() is None:
        return asyncio.Task(coroutine, loop=loop, eager_start=True)
    return loop.create_task(coroutine)


def _task_ended(pending: Pending, function: object, task: asyncio.Task[object]) -> None:
    _tasks.discard(task)
    pending.note()
    pending.settle(_outcome_of(task, function))


def _outcome_of(task: asyncio.Task[object], function: object) -> Outcome:
    if task.cancelled():
        return None, RuntimeError(f"{function!r} was cancelled")
    if (raised := task.exception()) is not None:
        return None, raised
    return task.result(), None


# A loop holds its tasks by weak references.
_tasks: set[asyncio.Task[Any]] = set()


def keep_task(task: asyncio.Task[Any]) -> asyncio.Task[Any]:
    """Keep *task* until it has ended."""
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)
    return task


def drop_tasks_of_closed_loops() -> None:
    """Keep the tasks no more whose loop was closed before they had ended."""
    for task in [*_tasks]:
        if task.get_loop().is_closed():
            _tasks.discard(task)
