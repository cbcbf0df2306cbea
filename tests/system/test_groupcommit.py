"""Threads that store at the same time share a commit and its result."""

from __future__ import annotations

import signal
import threading
from collections.abc import Mapping
from types import FrameType
from typing import NoReturn

import pytest

from pixelmw.system.groupcommit import GroupCommit, NotBegun, Unknown
from tests.support.callers import Callers, Stored
from tests.support.processes import wait_until

# --- sharing ---


def test_an_item_that_comes_alone_is_committed_alone() -> None:
    stored = Stored()
    stored.group("a")
    stored.group("b")
    assert stored.commits == [["a"], ["b"]]


def test_threads_that_wait_for_the_commit_under_way_share_the_next_one_in_order() -> None:
    stored = Stored()
    with stored.gathered("a", "b", "c") as callers:
        assert (stored.commits, callers.told) == ([], {})
    assert stored.commits == [["a", "b", "c"]]
    assert callers.told == {"a": None, "b": None, "c": None}


def test_an_item_that_comes_during_a_commit_is_in_the_next_one() -> None:
    commits: list[list[str]] = []

    def commit(items: list[str]) -> Mapping[int, Exception]:
        commits.append(list(items))
        if items == ["a"]:
            callers.start("b", "c")
        return {}

    callers = Callers(GroupCommit(commit))
    callers.group("a")
    assert callers.finish() == {"b": None, "c": None}
    assert commits == [["a"], ["b", "c"]]


def test_sixteen_threads_need_fewer_commits_than_they_have_items() -> None:
    stored = Stored()

    def store(thread: int) -> None:
        for number in range(50):
            stored.group(f"{thread}-{number}")

    threads = [threading.Thread(target=store, args=(thread,)) for thread in range(16)]
    with stored.group.lanes.alone():  # so that they start together, on a machine of any size
        for each in threads:
            each.start()
        wait_until(lambda: stored.group.waiting == 16)
    for each in threads:
        each.join(20)
    items = [item for batch in stored.commits for item in batch]
    assert len(stored.commits[0]) == 16
    assert len(stored.commits) < len(items) == len(set(items)) == 800
    for thread in range(16):
        own = [item for item in items if item.startswith(f"{thread}-")]
        assert own == [f"{thread}-{number}" for number in range(50)]


# --- failures ---


def test_what_a_commit_raises_ends_its_leader_and_nobody_is_told_that_his_item_is_stored() -> None:
    stored = Stored()
    error = stored.error = OSError("the disk is gone")
    with stored.gathered("a", "b", "c") as callers:
        pass
    assert callers.told["a"] is error
    assert [type(callers.told[name]) for name in "bc"] == [Unknown, Unknown]
    stored.group("d")
    assert stored.commits == [["a", "b", "c"], ["d"]]


@pytest.mark.parametrize("places", [[0], [1], [0, 2]], ids=["the leader's", "a follower's", "both"])
def test_an_item_that_fails_is_an_error_for_its_own_thread_only(places: list[int]) -> None:
    stored = Stored()
    errors = {place: ValueError(place) for place in places}
    stored.failures = errors
    with stored.gathered("a", "b", "c") as callers:
        pass
    assert callers.told == {name: errors.get(place) for place, name in enumerate("abc")}
    stored.group("d")


@pytest.mark.parametrize("ending", [SystemExit(3), KeyboardInterrupt()], ids=["exit", "Ctrl-C"])
def test_an_exit_of_the_thread_that_commits_is_an_ordinary_error_for_its_followers(ending: BaseException) -> None:
    stored = Stored()
    stored.error = ending
    with stored.gathered("a", "b") as callers:
        pass
    assert callers.told["a"] is ending
    assert isinstance(callers.told["b"], Unknown)
    stored.group("c")
    assert stored.commits == [["a", "b"], ["c"]]


def test_a_signal_that_ends_the_leader_while_it_waits_leaves_the_batch_to_the_others() -> None:
    """This is what a server does to end its worker."""
    stored = Stored()

    def end(number: int, frame: FrameType | None) -> NoReturn:
        raise SystemExit

    callers = Callers(stored.group)
    leader = threading.get_ident()
    is_held = threading.Event()

    def follow() -> None:
        with stored.group.lanes.alone():
            is_held.set()
            wait_until(lambda: stored.group.waiting)
            callers.start("b", "c")
            signal.pthread_kill(leader, signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, end)
    helper = threading.Thread(target=follow)
    try:
        helper.start()
        is_held.wait(20)
        with pytest.raises(SystemExit):
            stored.group("a")
        helper.join(20)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert callers.finish() == {"b": None, "c": None}
    assert stored.commits == [["b", "c"]]


# --- patience ---


def test_nobody_waits_in_line_for_longer_than_his_patience() -> None:
    stored = Stored()
    callers = Callers(stored.group, patience=0.3)
    with stored.group.lanes.alone():
        callers.start("a", "b")
        told = callers.finish()
    assert [type(told[name]) for name in "ab"] == [NotBegun, NotBegun]
    assert str(told["a"]) == "was busy for 0.3 seconds"
    stored.group("c")
    assert stored.commits == [["c"]]


def test_a_commit_that_calls_its_own_group_is_told_at_once() -> None:
    def commit(items: list[str]) -> Mapping[int, Exception]:
        with pytest.raises(RuntimeError, match="from within itself"):
            group("b")
        return {}

    group = GroupCommit(commit, lanes=2)
    group("a")


def test_who_comes_after_a_leader_was_ended_in_line_leads() -> None:
    stored = Stored()
    leaving = Callers(stored.group, patience=0.05)
    with stored.group.lanes.alone():
        leaving.start("a")
        assert isinstance(leaving.finish()["a"], NotBegun)
        callers = Callers(stored.group)
        callers.start("b", "c")
    assert callers.finish() == {"b": None, "c": None}
    assert stored.commits == [["b", "c"]]


def test_two_lanes_are_two_commits_at_a_time() -> None:
    inside = threading.Barrier(2)

    def commit(items: list[str]) -> Mapping[int, Exception]:
        inside.wait(20)
        return {}

    callers = Callers(GroupCommit(commit, lanes=2))
    for name in "ab":
        threading.Thread(target=callers.group, args=(name,), daemon=True).start()
    wait_until(lambda: inside.n_waiting == 0 and not callers.group.waiting)


def test_what_stands_behind_lets_others_go_first() -> None:
    stored = Stored()
    told: list[str] = []

    def store_behind() -> None:
        stored.group("behind", behind=True)
        told.append("behind")

    behind = threading.Thread(target=store_behind)
    callers = Callers(stored.group)
    with stored.group.lanes.alone():
        behind.start()
        wait_until(lambda: stored.group.waiting)
        callers.start("a", "b")
    behind.join(20)
    assert callers.finish() == {"a": None, "b": None}
    assert stored.commits == [["a", "b"], ["behind"]]
    assert told == ["behind"]
