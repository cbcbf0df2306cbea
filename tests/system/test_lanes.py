"""Threads that take and give back lanes at the same time, and look at them meanwhile."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator

import pytest

from pixelmw.system.groupcommit import GroupCommit


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads take turns as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.slow
@pytest.mark.usefixtures("restless")
@pytest.mark.parametrize("lanes", [1, 3])
def test_a_lane_may_be_given_back_while_another_thread_looks(lanes: int) -> None:
    def commit(items: list[int]) -> dict[int, Exception]:
        time.sleep(0)  # gives up its turn, so that others look at a lane that is taken
        return {}

    group: GroupCommit[int] = GroupCommit(commit, lanes=lanes)
    errors: list[Exception] = []

    def store() -> None:
        for number in range(2500):
            try:
                group(number, patience=10.0)
                if number % 50 == 0:
                    with group.lanes.alone():
                        pass
            except Exception as error:
                errors.append(error)

    threads = [threading.Thread(target=store) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
