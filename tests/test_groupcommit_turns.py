"""A leader lets others go first, so that as many share a commit as shared the last one, and waits for nobody else."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from callers import Callers, Stored
from processes import wait_until

from pixelmw.system import groupcommit


class Turns:
    """In place of giving up a turn: counts how often, and does what others would have done meanwhile."""

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


def test_nobody_waits_for_others_where_there_were_none(turns: Turns) -> None:
    stored = Stored()
    stored.group("a")
    stored.group("b")
    assert turns.count == 0


def test_those_whom_a_commit_has_let_go_join_the_next_one(turns: Turns) -> None:
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


def test_who_does_not_come_is_not_waited_for(turns: Turns) -> None:
    stored = Stored()
    with stored.gathered("a", "b", "c"):
        pass
    stored.group("d")
    assert turns.count == 2
    stored.group("e")
    assert turns.count == 2
    assert stored.commits == [["a", "b", "c"], ["d"], ["e"]]


def test_those_who_wait_are_let_go_however_long_a_turn_takes(turns: Turns) -> None:
    stored = Stored()
    items = [f"item {number}" for number in range(9)]
    error = OSError("the disk is gone")

    def gates_after_a_turn_of(seconds: float) -> int:
        with stored.gathered("a", "b"):
            pass
        turns.meanwhile = lambda: time.sleep(seconds)
        stored.group("c")
        return len(stored.group._batch.gates)

    for seconds, gates in ((0.003, 4), (0.0, 1)):
        for told in (None, error):
            wait_until(lambda: gates_after_a_turn_of(seconds) == gates)  # noqa: B023 - it is waited for at once
            stored.error = told
            with stored.gathered(*items) as callers:
                pass
            assert callers.told == dict.fromkeys(items, told)
            assert stored.commits[-1] == items
