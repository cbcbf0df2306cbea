"""Threads that store by group commit, and a group commit that keeps what it committed."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pixelmw.system.groupcommit import GroupCommit
from tests.support.processes import wait_until


class Callers:
    """Threads that each store one item, and the error that each got; ``None`` if its item is stored."""

    def __init__(self, group: GroupCommit[str], patience: float = math.inf) -> None:
        self.group = group
        self.patience = patience
        self.told: dict[str, BaseException | None] = {}
        self.threads: list[threading.Thread] = []

    def start(self, *items: str) -> None:
        """Start a thread for each item; the next one starts once the item has joined the batch."""
        for item in items:
            thread = threading.Thread(target=self._store, args=(item,))
            waiting = self.group.waiting
            thread.start()
            self.threads.append(thread)
            # A batch whose leader has given up takes no item: then this one has its error before long.
            wait_until(lambda: self.group.waiting > waiting or item in self.told)  # noqa: B023 - it is waited for at once

    def finish(self) -> dict[str, BaseException | None]:
        for thread in self.threads:
            thread.join(20)
            assert not thread.is_alive()
        return self.told

    def _store(self, item: str) -> None:
        try:
            self.group(item, patience=self.patience)
        except BaseException as error:
            self.told[item] = error
        else:
            self.told[item] = None


class Stored:
    """A group commit that keeps the items of each commit. A test can make the next commit fail."""

    def __init__(self, lanes: int = 1, most: float = math.inf) -> None:
        self.group: GroupCommit[str] = GroupCommit(self, lanes=lanes, most=most)
        self.commits: list[list[str]] = []
        self.failures: Mapping[int, Exception] = {}
        self.error: BaseException | None = None

    def __call__(self, items: list[str]) -> Mapping[int, Exception]:
        self.commits.append(list(items))
        error, self.error = self.error, None
        if error is not None:
            raise error
        failures, self.failures = self.failures, {}
        return failures

    @contextmanager
    def gathered(self, *items: str) -> Iterator[Callers]:
        """Threads that each wait with an item for the commit under way. It ends with the context, and so do they."""
        callers = Callers(self.group)
        with self.group.lanes.alone():
            callers.start(*items)
            yield callers
        callers.finish()
