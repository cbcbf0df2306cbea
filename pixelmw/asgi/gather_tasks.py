"""Gathers events for a sink whose ``write`` is an ``async def``, in each loop for itself."""

from __future__ import annotations

import asyncio
import contextvars
import weakref
from functools import partial
from typing import Any

from ..sinks.base import Unavailable
from ..system.errors import copy_of
from ..system.failures import ends_the_call_only
from .calls import Outcome, keep_task, settle_all
from .gather import Gatherer, Queue, Waiting
from .search import store_awaited


class TaskGatherer(Gatherer):
    """Gathers for an ``async def write``."""

    def __init__(self, sink: Any) -> None:
        super().__init__(sink)
        self._queues: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Queue] = weakref.WeakKeyDictionary()

    def queue(self) -> Queue:
        loop = asyncio.get_running_loop()
        if (queue := self._queues.get(loop)) is None:
            for other in [reference() for reference in self._queues.keyrefs()]:
                if other is not None and other.is_closed():  # what waits there keeps it
                    self._queues.pop(other, None)
            queue = self._queues[loop] = Queue()
        return queue

    def start_worker(self, queue: Queue) -> None:
        # Its batches are those of many requests, so it has the context variables of none.
        create = asyncio.get_running_loop().create_task
        task = keep_task(contextvars.Context().run(create, self._work(queue)))
        task.add_done_callback(partial(self._see_off, queue))

    async def _work(self, queue: Queue) -> None:
        me = asyncio.current_task()
        while batch := self.next_batch(queue, me):
            await self._store(queue, me, batch)
            del batch

    async def _store(self, queue: Queue, me: asyncio.Task[object] | None, batch: list[Waiting]) -> None:
        error = Unavailable(f"a task ended while it stored in {self.sink!r}")
        outcomes: list[Outcome] = [(None, copy_of(error)) for _ in batch]
        try:
            errors = await store_awaited(self.sink.write, [each.event for each in batch], self.timeout)
            outcomes = [(None, error) for error in errors]
        except asyncio.CancelledError:
            if me is not None and me.cancelling():
                raise
            # Somebody has cancelled what the write waited for, and not this task.
        except SystemExit as raised:
            if not ends_the_call_only(raised):
                raise
        finally:
            self.finish(queue, me, batch, outcomes)

    def _see_off(self, queue: Queue, task: asyncio.Task[None]) -> None:
        """Count off a worker that was ended, perhaps before it began, and answer all who wait for it."""
        if not task.cancelled() and task.exception() is None:
            return
        with queue.lock:
            queue.workers = max(0, queue.workers - 1)
            waiting = [*queue.waiting]
            queue.waiting.clear()
        message = f"the task that stores in {self.sink!r} was ended"
        settle_all([(each.pending, (None, Unavailable(message))) for each in waiting])
