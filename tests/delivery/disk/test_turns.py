"""Who forwards from a directory: one process at a time, and another one in the place of one that is stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pixelmw import Event
from pixelmw.cli.main import main
from pixelmw.delivery import Spool
from pixelmw.delivery.disk import drain_lock
from pixelmw.delivery.disk.directory import SpoolDirectory
from pixelmw.delivery.disk.drain_lock import DrainLock
from tests.support.forwarding import Calls, always
from tests.support.processes import event, into, out, start, wait_until
from tests.support.spools import fill, waiting

# Forwards to a file, and hangs at one event; says so when it has the turn, and each time it has stored what was read.
_HOLDER = """
import sys, threading
from pixelmw.delivery import Spool
from pixelmw.sinks import JSONLines
from tests.support.processes import event

lines = JSONLines(sys.argv[2], sync=False)

def sink(each):
    if each["messageId"] == "hangs":
        threading.Event().wait()
    lines(each)

spool = Spool(sys.argv[1], sink)
spool.start()
spool(event("first"))
assert spool.flush(20)
print("forwards", flush=True)
for line in sys.stdin:
    spool(event(line.strip()))
    print("stored", flush=True)
spool.close()
"""


@contextmanager
def holder(directory: Path, lines: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that forwards from *directory*; it is killed in the end."""
    with start(_HOLDER, directory, lines) as process:
        try:
            assert out(process).readline() == "forwards\n"
            yield process
        finally:
            process.kill()


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who gives no sign for two seconds counts as one that does not run; signs come once a second."""
    monkeypatch.setattr(drain_lock, "LAPSE", 2.0)


def test_the_file_of_the_lock_says_who_has_it(tmp_path: Path) -> None:
    lock, other = DrainLock(SpoolDirectory(tmp_path)), DrainLock(SpoolDirectory(tmp_path))
    assert lock.holder() == "a process that is not known"
    assert lock.try_take()
    try:
        assert not other.try_take()
        told = other.holder().split()
        assert told[:4] == ["process", str(os.getpid()), "on", os.uname().nodename + ","]
        since = time.strptime(told[5], "%Y-%m-%dT%H:%M:%SZ")
        assert abs(time.time() - time.mktime(since) + time.timezone) < 60
        assert (tmp_path / "drain.lock").stat().st_mode & 0o777 == 0o600
    finally:
        lock.close()
    assert other.try_take()
    other.close()


def test_a_lock_that_is_not_held_cannot_be_checked_and_may_be_closed(tmp_path: Path) -> None:
    lock = DrainLock(SpoolDirectory(tmp_path))
    lock.close()
    with pytest.raises(ValueError, match="is not held"):
        lock.check()


@pytest.mark.slow
def test_another_process_forwards_in_the_place_of_one_that_is_stopped(
    tmp_path: Path, soon: None, caplog: pytest.LogCaptureFixture
) -> None:
    arrived: list[Event] = []
    with holder(tmp_path / "spool", tmp_path / "lines") as stopped:
        os.kill(stopped.pid, signal.SIGSTOP)
        with Spool(tmp_path / "spool", arrived.append) as spool:
            spool(event("while it is stopped"))
            assert spool.flush(20)
            assert [each["messageId"] for each in arrived] == ["while it is stopped"]
            assert f"process {stopped.pid} on" in caplog.text
            assert "has not run for 2 seconds; another process takes over" in caplog.text
            os.kill(stopped.pid, signal.SIGCONT)
            for number in range(3):  # the one that was stopped goes on as one that stores
                into(stopped).write(f"later-{number}\n")
                into(stopped).flush()
                assert out(stopped).readline() == "stored\n"
            wait_until(lambda: len(arrived) == 4)
            assert spool.flush(20)
    assert [each["messageId"] for each in arrived[1:]] == [f"later-{number}" for number in range(3)]


@pytest.mark.slow
def test_one_whose_sink_takes_its_time_keeps_the_turn(tmp_path: Path, soon: None) -> None:
    with holder(tmp_path / "spool", tmp_path / "lines") as busy:
        into(busy).write("hangs\n")
        into(busy).flush()
        assert out(busy).readline() == "stored\n"
        waits = DrainLock(SpoolDirectory(tmp_path / "spool"))
        until = time.monotonic() + 3.0
        while time.monotonic() < until:
            assert not waits.try_take()
            time.sleep(0.1)
        assert waits.holder().startswith(f"process {busy.pid} on")


def test_a_spool_is_closed_in_time_while_another_process_that_has_the_turn_is_stopped(tmp_path: Path) -> None:
    with holder(tmp_path / "spool", tmp_path / "lines") as stopped:
        os.kill(stopped.pid, signal.SIGSTOP)
        spool = Spool(tmp_path / "spool", Calls(always(OSError)))
        spool(event("1"))
        assert not spool.flush(0.2)
        before = time.monotonic()
        spool.close(1.0)
        assert time.monotonic() - before < 5.0
    assert waiting(tmp_path / "spool") == ["1"]


def test_drain_says_soon_which_process_forwards_and_follow_holds_its_timeout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "sinks_of_turns.py").write_text("sink = print\n")
    with holder(tmp_path / "spool", tmp_path / "lines") as runs:
        for options in ([], ["--timeout=0.3"], ["--follow", "--timeout=0.3"]):
            before = time.monotonic()
            with pytest.raises(SystemExit) as ended:
                main(["drain", "spool", "--sink=sinks_of_turns:sink", *options])
            assert ended.value.code == 1
            assert time.monotonic() - before < 5.0
            assert f"somebody else is forwarding from {tmp_path / 'spool'}: process {runs.pid} on" in (
                capsys.readouterr().err
            )


def test_of_two_that_wait_for_one_that_lapses_one_gets_the_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path / "spool", ["1"])
    monkeypatch.setattr(drain_lock, "LAPSE", 0.1)
    gone = DrainLock(SpoolDirectory(tmp_path / "spool"))
    assert gone.try_take()
    waiting_ones = [DrainLock(SpoolDirectory(tmp_path / "spool")) for _ in range(2)]
    monkeypatch.setattr(gone, "look", lambda: None)  # it gives no sign
    wait_until(lambda: [each.try_take() for each in waiting_ones].count(True) == 1)
    with pytest.raises(FileNotFoundError, match="is another file now"):
        gone.check()
    gone.close()
    for each in waiting_ones:
        if each.is_held:
            each.check()
        each.close()
