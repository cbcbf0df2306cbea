"""Processes that are stopped while they hold a lock: nobody waits for them, and nothing that they stored is lost."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pixelmw import Event
from pixelmw.delivery import Retry, Spool
from pixelmw.delivery.disk.locked_segments import LockedSegments
from pixelmw.delivery.disk.segments.name import Segment
from tests.support.processes import event, out, start, wait_until
from tests.support.seals import Sink, segments
from tests.support.spools import THREADLESS, drainer, fill, step, step_to_the_end, waiting

_BUSY = (
    THREADLESS
    + """
import itertools, threading
from pixelmw.delivery import Spool
from tests.support.processes import event

spool = Spool(sys.argv[1], print)

def store(thread):
    for number in itertools.count():
        spool(event(f"{thread}-{number}"))
        os.write(1, f"{thread}-{number}\\n".encode())

for thread in range(4):
    threading.Thread(target=store, args=[thread], daemon=True).start()
input()
os._exit(0)
"""
)


def is_locked(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def stop_in_a_commit(process: subprocess.Popen[str], directory: Path) -> None:
    """Stop a process that stores, while it holds the lock of a segment."""

    def is_stopped_there() -> bool:
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)  # all of its threads stand still
        if any(map(is_locked, segments(directory))):
            return True
        process.send_signal(signal.SIGCONT)
        return False

    wait_until(is_stopped_there)


@pytest.mark.slow
def test_a_busy_worker_that_is_stopped_holds_up_nobody_and_loses_nothing(tmp_path: Path) -> None:
    directory = tmp_path / "spool"
    events: list[Event] = []
    with start(_BUSY, directory) as busy:
        try:
            assert out(busy).readline()
            stop_in_a_commit(busy, directory)
            with Spool(directory, events.append) as spool:
                spool(event("mine"))
                wait_until(lambda: "mine" in [each["messageId"] for each in events], 10)
                assert any(map(is_locked, segments(directory)))
                started = time.monotonic()
                assert not spool.flush(0.5)
                assert time.monotonic() - started < 5
                busy.send_signal(signal.SIGCONT)
                output, _ = busy.communicate("\n", timeout=20)
                assert spool.flush(20)
        finally:
            busy.kill()
    acknowledged = ["mine", *output.split()]
    arrived = [each["messageId"] for each in events]
    assert set(acknowledged) <= set(arrived)
    assert len(arrived) == len(set(arrived))


@pytest.mark.slow
def test_a_drain_beside_a_stopped_worker_ends_in_its_time(tmp_path: Path) -> None:
    directory = tmp_path / "spool"
    with start(_BUSY, directory) as busy:
        try:
            assert out(busy).readline()
            stop_in_a_commit(busy, directory)
            command = [sys.executable, "-m", "pixelmw", "drain", str(directory), "--sink", "builtins:print"]
            environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
            ended = subprocess.run(
                [*command, "--timeout", "1"], env=environ, timeout=30, capture_output=True, check=False, text=True
            )
        finally:
            busy.kill()
    assert ended.returncode == 1
    assert "left" in ended.stdout


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """As by a process that is stopped: a lock excludes other descriptors of a file in the same process, too."""
    descriptor = os.open(path, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(descriptor)


def test_a_locked_segment_is_passed_over_and_read_when_it_is_free(tmp_path: Path) -> None:
    sink = Sink()
    sink.is_down = False
    first = fill(tmp_path, ["locked"])
    fill(tmp_path, ["later"])
    forwarding = drainer(tmp_path, sink)
    started = time.monotonic()
    with locked(first):
        for _ in range(3):
            assert step(forwarding), "it is to be looked at again"
        assert time.monotonic() - started < 5
        assert sink.ids == ["later"]
        assert segments(tmp_path) == [first]
    step_to_the_end(forwarding)
    assert sink.ids == ["later", "locked"]
    assert segments(tmp_path) == []


def test_a_locked_segment_that_somebody_deletes_is_not_waited_for(tmp_path: Path) -> None:
    first = fill(tmp_path, ["locked"])
    forwarding = drainer(tmp_path, print)
    with locked(first):
        assert step(forwarding)
        first.unlink()
        assert not step(forwarding)


def test_a_segment_that_is_locked_when_it_is_to_be_removed_is_sent_once(tmp_path: Path) -> None:
    (segment,) = [fill(tmp_path, ["once"])]
    ids: list[str] = []
    held = []

    def sink(each: Event) -> None:
        ids.append(each["messageId"])
        held.append(locked(segment))
        held[0].__enter__()

    forwarding = drainer(tmp_path, sink)
    try:
        for _ in range(3):
            assert step(forwarding)
        assert segment.exists()
    finally:
        held[0].__exit__(None, None, None)
    step_to_the_end(forwarding)
    assert ids == ["once"]
    assert segments(tmp_path) == []


def test_a_visitor_does_not_wait_for_who_holds_the_lock_of_the_segment(tmp_path: Path) -> None:
    sink = Sink()
    with Spool(tmp_path / "spool", sink, retry=Retry(cap=0.1)) as spool:
        spool(event("first"))
        (segment,) = segments(tmp_path / "spool")
        with locked(segment):
            started = time.monotonic()
            spool(event("second"))
            assert time.monotonic() - started < 2
            assert waiting(tmp_path / "spool") == ["first", "second"]
            assert len(segments(tmp_path / "spool")) == 2
        sink.is_down = False
        assert spool.flush(20)
    assert sorted(sink.ids) == ["first", "second"]


def test_what_is_written_on_a_file_system_without_modes_is_read_when_its_writer_lets_go(tmp_path: Path) -> None:
    """The seal asks the writer to leave; where it is not kept, the lock alone says when the file may be read."""
    segment = fill(tmp_path, ["stored"])
    ids: list[str] = []
    forwarding = drainer(tmp_path, lambda each: ids.append(each["messageId"]))
    with locked(segment):
        assert step(forwarding)
        assert segment.stat().st_mode & 0o777 == 0o400
        segment.chmod(0o600)
        assert step(forwarding)
        assert ids == []
    assert step(forwarding)
    assert json.dumps(ids) == '["stored"]'


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_lock_that_is_held_for_long_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    locked_segments = LockedSegments(clock)
    first, second = Segment(1, "0" * 12, 0), Segment(2, "0" * 12, 0)
    assert locked_segments.patience_for(first) > 0
    for _ in range(100):
        locked_segments.add(first)
        clock.now += 1
    locked_segments.add(second)
    assert [record.getMessage() for record in caplog.records] == [
        f"{first.name} is locked by a process that does not go on; its events wait for that"
    ]
    assert locked_segments.patience_for(first) == 0
    locked_segments.keep({second})
    assert len(locked_segments) == 1
    locked_segments.forget()
    assert not locked_segments
