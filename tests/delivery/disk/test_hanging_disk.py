"""A disk that hangs: nobody waits without an end for a commit that another thread makes, and nothing is left open."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from pixelmw import Event
from pixelmw.delivery import Spool, watch
from pixelmw.delivery.disk.directory import SpoolDirectory
from pixelmw.delivery.disk.journal import Journal
from pixelmw.delivery.disk.segments import writer
from pixelmw.sinks.base import Unavailable, Undeliverable
from pixelmw.system import files
from tests.support.processes import event, finish, start, wait_until
from tests.support.spools import THREADLESS, descriptors, drained, waiting


class Disk:
    """What it slows down hangs from :meth:`hang` on, until :meth:`go_on`."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.was_waited_for = False  # until nobody had patience any more
        self._gate = threading.Event()
        self._gate.set()

    def hang(self) -> None:
        self.entered.clear()
        self._gate.clear()

    def go_on(self) -> None:
        self._gate.set()

    def slow(self, call: Callable[[int], None], only: Callable[[int], bool] = lambda _: True) -> Callable[[int], None]:
        def slow_call(descriptor: int) -> None:
            if not self._gate.is_set() and only(descriptor):
                self.entered.set()
                self.was_waited_for = not self._gate.wait(10) or self.was_waited_for
            call(descriptor)

        return slow_call


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    disk = Disk()
    monkeypatch.setattr(writer, "sync_data", disk.slow(files.sync_data))
    monkeypatch.setattr(os, "fsync", disk.slow(os.fsync))
    yield disk
    disk.go_on()
    assert not disk.was_waited_for


def in_a_thread(call: Callable[..., object], *arguments: object) -> tuple[threading.Thread, list[BaseException]]:
    """Make a call on a thread of its own; gives that, and what the call raises."""
    raised: list[BaseException] = []

    def make() -> None:
        try:
            call(*arguments)
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=make, daemon=True)
    thread.start()
    return thread, raised


def open_segments(directory: Path) -> list[str]:
    """The segments that this process has open."""
    found = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # it was that of the folder itself
            found.append(str(descriptor.readlink()))
    return [name for name in found if name.startswith(str(directory)) and ".segment" in name]


@pytest.mark.parametrize("timeout", [0.0, 0.05])
def test_close_ends_in_its_time_and_the_commit_under_way_closes_its_file(
    tmp_path: Path, disk: Disk, timeout: float
) -> None:
    directory = tmp_path / "spool"
    spool = Spool(directory, lambda each: None)
    spool(event("1"))
    assert spool.flush(20)
    disk.hang()
    thread, raised = in_a_thread(spool, event("2"))
    assert disk.entered.wait(20)
    spool.close(timeout)
    assert open_segments(directory)
    disk.go_on()
    thread.join(20)
    assert raised == []
    wait_until(lambda: not open_segments(directory))
    assert drained(directory) == ["2"]


def test_a_journal_that_is_closed_while_its_disk_hangs_closes_its_file_at_the_end_of_the_commit(
    tmp_path: Path, disk: Disk
) -> None:
    """As that of the dead letters, or of an event whose visitor is told of a failure: nobody closes it once more."""
    directory = SpoolDirectory(tmp_path / "spool")
    directory.prepare()
    journal = Journal(directory, sync=True)
    journal.append([b"{}"])
    disk.hang()
    thread, raised = in_a_thread(journal.append, [b"{}"])
    assert disk.entered.wait(20)
    journal.close(0.05)
    assert open_segments(directory.path)
    disk.go_on()
    thread.join(20)
    assert raised == []
    assert open_segments(directory.path) == []


def test_what_is_stored_while_another_thread_closes_is_forwarded_and_nothing_stays_open(
    tmp_path: Path, disk: Disk
) -> None:
    directory = tmp_path / "spool"
    arrived: list[str] = []
    spool = Spool(directory, lambda each: arrived.append(each["messageId"]))
    spool(event("1"))
    assert spool.flush(20)
    disk.hang()
    thread, raised = in_a_thread(spool, event("2"))
    assert disk.entered.wait(20)
    closing, _ = in_a_thread(spool.close, 5.0)
    wait_until(lambda: not any("drain.lock" in path for path in descriptors(directory)))  # its thread has ended
    disk.go_on()
    thread.join(20)
    closing.join(20)
    assert raised == []
    wait_until(lambda: arrived == ["1", "2"])
    spool.close()
    assert descriptors(directory) == []


def test_close_does_not_wait_for_a_dead_letter_that_is_being_stored(tmp_path: Path, disk: Disk) -> None:
    def refuse(each: Event) -> None:
        raise Undeliverable("never")

    directory = tmp_path / "spool"
    spool = Spool(directory, refuse, sync="never")
    assert spool.stats()["queued"] == 0
    disk.hang()
    spool(event("1"))
    assert disk.entered.wait(20)
    spool.close(0.05)
    assert waiting(directory) == ["1"]
    disk.go_on()
    wait_until(lambda: not [*directory.glob("*.segment")])
    assert waiting(directory / "dead") == ["1"]


def test_close_does_not_wait_for_the_thread_that_gives_a_sign_in_the_drain_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk()
    drain_lock = tmp_path / "spool" / "drain.lock"

    def is_a_sign(descriptor: int) -> bool:
        name = threading.current_thread().name
        return name == "pixelmw-watch" and Path(f"/proc/self/fd/{descriptor}").readlink() == drain_lock

    monkeypatch.setattr(watch, "INTERVAL", 0.01)
    monkeypatch.setattr(os, "utime", disk.slow(os.utime, only=is_a_sign))
    spool = Spool(tmp_path / "spool", lambda each: None)
    spool(event("1"))
    assert spool.flush(20)
    disk.hang()
    assert disk.entered.wait(20)
    spool.close(0.05)
    spool(event("2"))
    spool.close(0.05)
    assert not disk.was_waited_for
    disk.go_on()
    assert drained(tmp_path / "spool") == ["2"]


def test_whoever_waits_for_the_disk_behind_others_leaves_in_his_time(
    tmp_path: Path, disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    spool = Spool(tmp_path / "spool", lambda each: None)
    spool.timeout = 0.05
    spool(event("1"))
    disk.hang()
    leader, raised = in_a_thread(spool, event("2"))
    assert disk.entered.wait(20)
    with pytest.raises(Unavailable, match=rf"the disk of {tmp_path / 'spool'}: was busy for 0.05 seconds"):
        spool(event("3"))
    wait_until(lambda: _is_refused_at_once(spool))
    (told,) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert told == (
        f"the disk of {tmp_path / 'spool'} was busy for 0.1 seconds without an end; until it ends, no event is taken"
    )
    disk.go_on()
    leader.join(20)
    assert raised == []
    spool(event("4"))
    spool.close()
    assert drained(tmp_path / "spool") == []


def _is_refused_at_once(spool: Spool) -> bool:
    with pytest.raises(Unavailable) as refused:
        spool(event("refused"))
    return "was busy for 0.1 seconds" in str(refused.value)


_EXIT = (
    THREADLESS
    + """
import threading, time
from pixelmw.delivery import Spool
from pixelmw.delivery.disk.directory import SpoolDirectory
from pixelmw.delivery.disk.journal import Journal
from pixelmw.delivery.disk.segments import writer
from tests.support.processes import event

spool = Spool(sys.argv[1], print)
spool(event("1"))
entered = threading.Event()

def hang(descriptor):
    entered.set()
    time.sleep(600)

writer.sync_data = hang
spool.close()
spool(event("2"))  # the first sync of a file is another one
threading.Thread(target=spool, args=[event("3")], daemon=True).start()
assert entered.wait(20)
print("ends")
"""
)


@pytest.mark.slow
def test_a_process_ends_while_a_commit_hangs(tmp_path: Path) -> None:
    assert finish(start(_EXIT, tmp_path / "spool")) == ["ends"]
    assert waiting(tmp_path / "spool")[:2] == ["1", "2"]
