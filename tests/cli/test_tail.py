"""``tail`` prints the events of a store as they come, whatever other processes do to the store meanwhile."""

from __future__ import annotations

import json
import os
import queue
import signal
from pathlib import Path

import pytest

from tests.support.command_line import TIMEOUT, started
from tests.support.tails import STORES, event, store, tailing


@pytest.fixture(params=STORES)
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Where a store is, of each kind."""
    return tmp_path / str(request.param)


def test_the_last_events_come_first_and_then_each_new_one(path: Path) -> None:
    store(path, *(f"e{number:02}" for number in range(15)))
    with tailing(path, "--json") as tail:
        assert tail.names(10) == [f"e{number:02}" for number in range(5, 15)]
        store(path, "new", "newer")
        assert tail.names(2) == ["new", "newer"]
        store(path, "newest")
        assert tail.name() == "newest"
        assert tail.end() == (0, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_line_says_when_what_and_who(path: Path, number: signal.Signals) -> None:
    store(path, "Opened")
    with tailing(path) as tail:
        assert tail.line() == "2026-11-23 12:34:56 stored   track Opened by 42 id id-Opened"
        assert tail.end(number) == (0, "")


def test_no_old_events_come_if_none_are_wanted(path: Path) -> None:
    store(path, "old")
    with tailing(path, "--lines=0", "--json") as tail:
        # It has read what is there once it has opened the store; only a new event shows that it did.
        numbers = iter(range(1000))
        while tail.process.poll() is None:
            store(path, f"new{next(numbers)}")
            try:
                name = str(json.loads(tail.line(timeout=0.3))["event"])
                break
            except queue.Empty:
                continue
        assert name.startswith("new")


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("--type=page", ["p"]),
        ("--event=Opened", ["a"]),
        ("--event=Home", ["p"]),
        ("--user=u2", ["b"]),
        ("--user=anonymous", ["p"]),
    ],
)
def test_only_what_is_wanted_is_shown(path: Path, option: str, expected: list[str]) -> None:
    def fill(prefix: str) -> None:
        sink = STORES[path.name](path)
        sink(event("Opened", messageId=f"{prefix}a", userId="u1"))
        sink(event("Closed", messageId=f"{prefix}b", userId="u2"))
        page = {"type": "page", "name": "Home", "anonymousId": "anonymous", "messageId": f"{prefix}p"}
        sink({**page, "receivedAt": "2026-11-23T12:34:56.789Z"})
        sink.close()

    fill("old-")
    with tailing(path, option, "--json") as tail:
        assert [json.loads(tail.line())["messageId"] for _ in expected] == [f"old-{name}" for name in expected]
        fill("new-")
        assert [json.loads(tail.line())["messageId"] for _ in expected] == [f"new-{name}" for name in expected]


def test_a_store_that_is_moved_away_is_read_to_its_end_and_the_new_one_from_its_beginning(path: Path) -> None:
    store(path, "one")
    with tailing(path, "--json") as tail:
        assert tail.name() == "one"
        for number in range(3):
            store(path, f"last{number}")
            for each in path.parent.glob(f"{path.name}*"):  # with the -wal and -shm of a database
                each.rename(each.with_name(f"old{number}-{each.name}"))
            store(path, f"first{number}", f"second{number}")
            assert tail.names(3) == [f"last{number}", f"first{number}", f"second{number}"]


def test_a_store_that_is_removed_is_waited_for(path: Path) -> None:
    store(path, "one")
    with tailing(path, "--json") as tail:
        assert tail.name() == "one"
        for each in path.parent.glob(f"{path.name}*"):
            each.unlink()
        assert "is away; waiting for it to come back" in tail.error_line()
        store(path, "two")
        assert tail.name() == "two"


def test_a_closed_pipe_ends_it_quietly_though_nothing_comes(path: Path) -> None:
    store(path, "one")
    with tailing(path, "--json") as tail, started(path.parent, "tail", path.name) as unread:
        assert tail.name() == "one"
        assert unread.stdout is not None
        unread.stdout.readline()
        unread.stdout.close()
        assert unread.wait(TIMEOUT) == 0
        assert unread.stderr is not None
        assert unread.stderr.read() == ""


def test_a_store_that_becomes_a_pipe_is_waited_for(path: Path) -> None:
    store(path, "one")
    with tailing(path, "--json") as tail:
        assert tail.name() == "one"
        for each in path.parent.glob(f"{path.name}*"):
            each.rename(each.with_name(f"old-{each.name}"))
        os.mkfifo(path)
        assert "is away; waiting for it to come back" in tail.error_line()
        path.unlink()
        store(path, "two")
        assert tail.name() == "two"
