"""Whatever size a file in a spool's directory has: nobody reads more of it than there can be."""

from __future__ import annotations

import errno
import fcntl
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pixelmw import Event
from pixelmw.delivery import Spool
from pixelmw.delivery.disk import journal
from pixelmw.delivery.disk.directory import SpoolDirectory
from pixelmw.delivery.disk.drain_lock import DrainLock
from tests.support.processes import event
from tests.support.spools import fill, payloads, waiting

HUGE = 2**43


def test_a_file_larger_than_any_segment_is_left_alone_and_not_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    directory = tmp_path / "spool"
    segment = fill(directory, ["waits"])
    sparse = segment.with_name(segment.name.replace(segment.name[:14], "0" * 14))
    sparse.touch(0o600)
    os.truncate(sparse, HUGE)
    events: list[Event] = []
    with Spool(directory, events.append) as spool:
        assert spool.stats()["bytes"] < HUGE
        spool(event("new"))
        assert spool.flush(20)
        assert (spool.stats()["queued"], spool.stats()["bytes"]) == (0, 0)
    assert [each["messageId"] for each in events] == ["waits", "new"]
    assert (sparse.stat().st_size, sparse.stat().st_mode & 0o777) == (HUGE, 0o600)
    told = f"{sparse.name} cannot be read now; it stays where it is: it has {HUGE} bytes, and no segment has so many"
    assert caplog.messages.count(told) == 1


def test_a_file_that_grows_while_it_waits_is_not_read_without_an_end(tmp_path: Path) -> None:
    segment = fill(tmp_path, ["waits"])
    ids: list[str] = []

    def sink(each: Event) -> None:
        ids.append(each["messageId"])
        if len(ids) == 1:
            segment.chmod(0o600)
            os.truncate(segment, HUGE)

    with Spool(tmp_path, sink) as spool:
        assert spool.flush(20)
        spool(event("new"))
        assert spool.flush(20)
    assert ids == ["waits", "new"]


def test_no_writer_makes_a_segment_that_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "MAX_COMMIT_BYTES", 1_000)
    writer = journal.Journal(SpoolDirectory(tmp_path), sync=False)
    tmp_path.chmod(0o700)
    with pytest.raises(OSError, match="no more than 1000 bytes of events can be stored at once") as raised:
        writer.append(payloads(["a", "b"], 600))
    assert raised.value.errno == errno.EFBIG
    writer.append(payloads(["a"], 600))
    writer.close()
    assert writer.stored == 1


def many_bytes(path: Path) -> None:
    path.touch()
    os.truncate(path, HUGE)


def many_words(path: Path) -> None:
    path.write_text("4711 web-1 " + "x" * 100_000)


def no_text(path: Path) -> None:
    path.write_bytes(b"4711 web-1\x1b[31m now")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("make", [many_bytes, no_text])
def test_who_has_the_lock_is_not_known_if_the_file_says_something_else(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / "drain.lock")
    lock = DrainLock(SpoolDirectory(tmp_path))
    with locked(tmp_path / "drain.lock"):
        assert not lock.try_take()
        assert lock.holder() == "a process that is not known"


def test_no_more_than_a_line_is_read_of_who_has_the_lock(tmp_path: Path) -> None:
    many_words(tmp_path / "drain.lock")
    lock = DrainLock(SpoolDirectory(tmp_path))
    with locked(tmp_path / "drain.lock"):
        assert len(lock.holder()) < 500


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to(path.with_name("elsewhere"))])
def test_neither_a_fifo_nor_a_link_is_asked_who_has_the_lock(tmp_path: Path, make: Callable[[Path], None]) -> None:
    (tmp_path / "elsewhere").write_text("4711 web-1 now")
    make(tmp_path / "drain.lock")
    assert DrainLock(SpoolDirectory(tmp_path)).holder() == "a process that is not known"


def test_more_than_one_file_may_hold_waits_in_several(tmp_path: Path) -> None:
    most = 100_000  # bytes that the system lets a file have, as after ulimit -f

    def down(each: Event) -> None:
        raise ConnectionError("down")

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Spool(tmp_path / "spool", down) as spool:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
        try:
            for number in range(30):
                spool(event(f"{number}", most // 5))
            with pytest.raises(OSError, match="File too large"):
                spool(event("larger than a file", 2 * most))
            spool(event("last"))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        spool.close(0)
    assert waiting(tmp_path / "spool") == [*map(str, range(30)), "last"]
