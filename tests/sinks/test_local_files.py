"""Files on this machine: who may read them, and paths that cannot work."""

from __future__ import annotations

import errno
import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pixelmw.delivery import Background
from pixelmw.sinks import JSONLines, SQLite
from pixelmw.sinks.base import is_down
from tests.support import faults
from tests.support.processes import event, stored

Make = Callable[..., "JSONLines | SQLite"]
both = pytest.mark.parametrize(
    ("make", "name"), [(SQLite, "events.db"), (JSONLines, "events.jsonl")], ids=["SQLite", "JSONLines"]
)


def mode_of(path: Path) -> str:
    return oct(path.stat().st_mode & 0o7777)


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


# --- modes ---


@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize(
    ("given", "seen"), [({}, "0o600"), ({"mode": 0o640}, "0o640")], ids=["as it is", "for a group"]
)
@both
def test_every_file_that_a_sink_creates_has_its_mode_whatever_the_umask_is(
    tmp_path: Path, make: Make, name: str, given: dict[str, Any], seen: str
) -> None:
    sink = make(tmp_path / name, **given)
    sink(event("1"))
    beside = ["-wal", "-shm"] if make is SQLite else []
    assert {file.name: mode_of(file) for file in tmp_path.iterdir()} == {
        f"{name}{ending}": seen for ending in ["", *beside]
    }
    sink.close()


@both
def test_a_file_that_is_there_keeps_its_mode(tmp_path: Path, make: Make, name: str) -> None:
    path = tmp_path / name
    path.touch(0o640)
    path.chmod(0o644)
    with make(path) as sink:
        sink(event("1"))
    assert mode_of(path) == "0o644"
    assert stored(path) == ["1"]


@both
def test_a_link_to_a_file_that_is_not_there_yet_is_followed(tmp_path: Path, make: Make, name: str) -> None:
    (tmp_path / "volume").mkdir()
    target = tmp_path / "volume" / name
    (tmp_path / name).symlink_to(target)
    with make(tmp_path / name) as sink:
        sink(event("1"))
    assert (mode_of(target), stored(target)) == ("0o600", ["1"])


@pytest.mark.parametrize("mode", [0o400, 0o060, 0o700, 0o4600, -1, "0600", True], ids=repr)
@both
def test_a_mode_that_makes_no_sense_is_refused(tmp_path: Path, make: Make, name: str, mode: Any) -> None:
    with pytest.raises(ValueError, match=r"mode is .*; it has to be 0o600"):
        make(tmp_path / name, mode=mode)


# --- paths ---

FAULTS: dict[str, tuple[Callable[[Path, str], Any], str]] = {
    "no directory": (faults.missing_directory, "there is no directory {path.parent}"),
    "a directory that cannot be written to": (faults.read_only_directory, "may not create files in {path.parent}"),
    "a file that cannot be written to": (faults.read_only_file, "may not write to {path}"),
}


@pytest.mark.parametrize(("fault", "words"), FAULTS.values(), ids=list(FAULTS))
@both
def test_a_path_that_cannot_work_is_logged_when_the_sink_is_made_and_raised_at_the_start_and_at_an_event(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    make: Make,
    name: str,
    fault: Callable[[Path, str], Any],
    words: str,
) -> None:
    with fault(tmp_path, name) as (path, lasting):
        with lasting():
            sink = make(path)
            (record,) = caplog.records
            assert (record.name, record.levelno) == ("pixelmw.sinks", logging.WARNING)
            said = words.format(path=path)
            assert f"{sink!r} can store nothing as it is: " in record.message
            assert said in record.message
            with pytest.raises((OSError, sqlite3.OperationalError)) as at_start, sink:
                pytest.fail("it was entered")
            with pytest.raises(Exception, match=name) as at_event:
                sink(event("1"))
            assert is_down(at_event.value)
            if make is SQLite:
                assert said in str(at_start.value)
                assert said in str(at_event.value)
        with sink:
            sink(event("2"))
        assert stored(path) == ["2"]
    assert len(caplog.records) == 1


@both
def test_a_path_that_can_work_is_not_talked_about(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, make: Make, name: str
) -> None:
    for _ in range(2):
        with make(tmp_path / name) as sink:
            sink(event("1"))
    assert caplog.records == []


def test_a_directory_in_the_place_of_a_file_is_said_at_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for make in (SQLite, JSONLines):
        make(tmp_path)
    assert [record.message.partition(": ")[2] for record in caplog.records] == [f"{tmp_path} is a directory"] * 2


# --- errors ---


@pytest.mark.parametrize(
    ("fault", "number"),
    [(faults.file_size_limit, errno.EFBIG), (faults.full_disk, errno.ENOSPC), (faults.locked, errno.ETIMEDOUT)],
    ids=["limit of a file", "full disk", "locked"],
)
def test_what_keeps_lines_from_being_written_has_an_errno_and_a_queue_waits_for_its_end(
    tmp_path: Path, fault: Callable[[Path, str], Any], number: int
) -> None:
    with fault(tmp_path, "events.jsonl") as (path, lasting):
        sink = JSONLines(path, timeout=0.05)
        with lasting():
            with pytest.raises(OSError, match=f"{path}") as caught:
                sink(event("1", 6000))
            queue = Background(sink)
            queue(event("2", 6000))
            assert not queue.flush(0.2)
        assert caught.value.errno == number
        assert is_down(caught.value)
        assert queue.flush(20)
        queue.close()
        assert stored(path) == ["2"]
        assert queue.stats()["dead"] == 0


def test_a_database_at_the_limit_of_a_file_is_down_and_a_queue_waits_for_its_end(tmp_path: Path) -> None:
    with faults.file_size_limit(tmp_path, "events.db") as (path, lasting):
        with SQLite(path) as sink, closing(Background(sink)) as queue:
            with lasting():
                queue(event("1", 6000))
                assert not queue.flush(0.2)
            assert queue.flush(20)
            assert queue.stats()["dead"] == 0
        assert stored(path) == ["1"]
