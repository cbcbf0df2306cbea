"""A leader gives up its turn until as many threads share its commit as shared the last one, and never waits longer."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from pixelmw.system.groupcommit import group as groupcommit
from tests.support.callers import Callers, Stored
from tests.support.processes import wait_until


class Turns:
    """Takes the place of giving up a turn: counts the turns, and does what other threads would do during one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.meanwhile: Callable[[], object] = lambda: None
        monkeypatch.setattr(groupcommit, "time", SimpleNamespace(sleep=self._sleep, monotonic=time.monotonic))

    def _sleep(self, seconds: float) -> None:
        assert seconds == 0
        self.count += 1
        self.meanwhile()


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> Turns:
    return Turns(monkeypatch)


def test_a_leader_gives_up_no_turn_if_the_last_commit_was_not_shared(turns: Turns) -> None:
    stored = Stored()
    stored.group("a")
    stored.group("b")
    assert turns.count == 0


def test_the_threads_of_one_commit_join_the_next_one(turns: Turns) -> None:
    stored = Stored()
    with stored.gathered("a", "b", "c"):
        pass
    callers = Callers(stored.group)
    coming = iter("ef")
    turns.meanwhile = lambda: callers.start(next(coming))
    stored.group("d")
    assert callers.finish() == {"e": None, "f": None}
    assert stored.commits == [["a", "b", "c"], ["d", "e", "f"]]


def test_as_many_as_the_last_time_are_enough(turns: Turns) -> None:
    stored = Stored()
    with stored.gathered("a", "b"):
        pass
    with stored.gathered("c", "d", "e"):
        pass
    assert stored.commits == [["a", "b"], ["c", "d", "e"]]
    assert turns.count == 0


def test_a_leader_does_not_wait_for_threads_that_do_not_come(turns: Turns) -> None:
    stored = Stored()
    with stored.gathered("a", "b", "c"):
        pass
    stored.group("d")
    assert turns.count == 2
    stored.group("e")
    assert turns.count == 2
    assert stored.commits == [["a", "b", "c"], ["d"], ["e"]]


def test_followers_go_on_however_long_a_turn_takes(turns: Turns) -> None:
    stored = Stored()
    items = [f"item {number}" for number in range(9)]
    error = OSError("the disk is gone")

    def gates_after_a_turn_of(seconds: float) -> int:
        with stored.gathered("a", "b"):
            pass
        turns.meanwhile = lambda: time.sleep(seconds)
        stored.group("c")
        return stored.group.gates

    for seconds, gates in ((0.003, 4), (0.0, 1)):
        for told in (None, error):
            wait_until(lambda: gates_after_a_turn_of(seconds) == gates)  # noqa: B023 - it is waited for at once
            stored.failures = {} if told is None else dict.fromkeys(range(len(items)), told)
            with stored.gathered(*items) as callers:
                pass
            assert callers.told == dict.fromkeys(items, told)
            assert stored.commits[-1] == items
