"""A spool on a full disk, or at its size: it refuses, keeps what it took, and goes on once it is drained."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from pixelmw import Event
from pixelmw.delivery import Full, Retry, Spool
from pixelmw.delivery.disk.directory import SpoolDirectory
from pixelmw.delivery.disk.records import Record, read_records
from tests.support.faults import full_disk
from tests.support.pixel import Pixel
from tests.support.processes import event, finish, into, out, start, wait_until
from tests.support.spools import report, waiting


class Sink:
    """A sink that is down until it is told to be up."""

    def __init__(self) -> None:
        self.up = False
        self.ids: list[str] = []

    def __call__(self, event: Event) -> None:
        if not self.up:
            raise ConnectionError("down")
        self.ids.append(event["messageId"])


def store_until_refused(spool: Callable[[Event], object], name: str, error: type[Exception], size: int) -> list[str]:
    """Store events of *size* bytes until one is refused, and then try ten more; returns those that were accepted."""
    accepted: list[str] = []
    refused = 0
    for number in range(10_000):
        try:
            spool(event(f"{name}-{number}", size))
        except error:
            refused += 1
            if refused > 10:
                return accepted
        else:
            accepted.append(f"{name}-{number}")
    raise AssertionError("it is never full")


def parts(directory: Path) -> list[object]:
    """All that is in the segments, record by record; there is no segment without one, but perhaps the last."""
    found: list[object] = []
    segments = SpoolDirectory(directory).segments()
    for segment in segments:
        data = (directory / segment.name).read_bytes()
        assert data or segment == segments[-1]
        found += read_records(data, segment.first_sequence)
    return found


def size(directory: Path) -> int:
    return sum(path.lstat().st_size for path in directory.glob("*.segment*"))


def test_a_full_disk_that_somebody_else_filled_has_no_part_of_an_event(tmp_path: Path) -> None:
    """The spool itself leaves room, so that it sees a disk with none only where others write, too."""
    with full_disk(tmp_path, "spool") as (directory, lasting), Spool(directory, Sink()) as spool:
        spool(event("before"))
        with lasting(), pytest.raises(OSError, match="No space left"):
            spool(event("refused", 20_000))
        wait_until(lambda: has_room(spool))
        assert all(isinstance(each, Record) for each in parts(directory))
        assert waiting(directory) == ["before", "after"]


def has_room(spool: Spool) -> bool:
    try:
        spool(event("after"))
    except OSError:
        return False
    return True


@pytest.mark.parametrize("size", [0, 900, 3000, 6000])
def test_a_full_disk_refuses_keeps_what_was_accepted_and_is_drained_while_it_is_full(tmp_path: Path, size: int) -> None:
    sink = Sink()
    with (
        full_disk(tmp_path, "spool") as (directory, lasting),
        Spool(directory, sink, retry=Retry(first=0.05, cap=0.05)) as spool,
    ):
        accepted = store_until_refused(spool, "before", OSError, size)
        assert len(accepted) > 20
        found = parts(directory)
        assert all(isinstance(each, Record) for each in found)
        assert [each.sequence for each in found if isinstance(each, Record)] == list(range(len(accepted)))
        assert waiting(directory) == accepted
        assert len(SpoolDirectory(directory).segments()) <= 3
        with lasting():  # nothing is left on the device but what draining frees
            with pytest.raises(OSError, match="No space left") as refusal:
                spool(event("refused by a full disk", size))
            assert refusal.value.errno == errno.ENOSPC
            sink.up = True
            assert spool.flush(20)
            spool(event("after", size))
            assert spool.flush(20)
    report("a full disk", accepted=len(accepted), lost=len(set(accepted) - set(sink.ids)), partial_records=0)
    assert sink.ids == [*accepted, "after"]


def test_a_refusal_leaves_no_gap_in_the_numbers_that_damage_is_counted_by(tmp_path: Path) -> None:
    with full_disk(tmp_path, "spool") as (directory, lasting), Spool(directory, Sink()) as spool:
        spool(event("first"))
        with lasting(), pytest.raises(OSError, match="No space left"):
            spool(event("refused", 6000))
        spool(event("second"))
        found = parts(directory)
    assert [each.sequence for each in found if isinstance(each, Record)] == [0, 1]


def test_a_directory_that_has_its_size_refuses_until_it_is_drained(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    directory, most = tmp_path / "spool", 100_000
    sink = Sink()
    with Spool(directory, sink, max_bytes=most, retry=Retry(first=0.05, cap=0.05)) as spool:
        accepted = store_until_refused(spool, "before", Full, 300)
        assert 90_000 < spool.stats()["bytes"] == size(directory) <= most
        pixel = Pixel(sink=spool)
        answer = pixel.get("/pixel/v1/track", f"writeKey=k&anonymousId=a&event=e&properties.text={'x' * 300}")
        assert (answer.status_code, answer.headers["X-Pixel-Error"]) == (503, "unavailable")
        assert "max_bytes=100000" in caplog.text
        assert spool.dropped == 0
        sink.up = True
        assert spool.flush(20)
        wait_until(lambda: accepts(spool, "after"), 5)
        assert spool.flush(20)
    assert sink.ids == [*accepted, "after"]


def accepts(spool: Spool, name: str) -> bool:
    try:
        spool(event(name))
    except Full:
        return False
    return True


def test_what_is_to_be_dropped_when_full_is_counted_and_told_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sink = Sink()
    with Spool(
        tmp_path / "spool", sink, max_bytes=20_000, when_full="drop", retry=Retry(first=0.05, cap=0.05)
    ) as spool:
        for number in range(100):
            spool(event(f"{number}", 300))
        stats = spool.stats()
        assert stats["stored"] == stats["queued"] == len(waiting(spool.directory)) > 30
        assert stats["dropped"] == spool.dropped == 100 - stats["stored"] > 0
        assert [record.getMessage() for record in caplog.records if "dropped" in record.getMessage()] == [
            f"{spool.directory} is full (max_bytes=20000); 1 events have been dropped so far"
        ]
        sink.up = True
        assert spool.flush(20)

        def is_taken_again() -> bool:
            spool(event("after", 300))
            return spool.stats()["stored"] > stats["stored"]

        wait_until(is_taken_again, 5)
        assert spool.flush(20)
    assert "after" in sink.ids


def test_threads_that_fill_a_directory_to_its_size_do_not_keep_it_from_being_drained(tmp_path: Path) -> None:
    sink = Sink()
    sink.up = True
    refused: list[str] = []
    accepted: list[str] = []
    with Spool(tmp_path / "spool", sink, max_bytes=20_000, retry=Retry(first=0.05, cap=0.05)) as spool:

        def store(thread: int) -> None:
            for number in range(200):
                name = f"{thread}-{number}"
                (accepted if accepts(spool, name) else refused).append(name)

        threads = [threading.Thread(target=store, args=[thread]) for thread in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join(30)
        assert spool.flush(20)
    assert refused
    assert sorted(sink.ids) == sorted(accepted)


_FILL = """
import logging, sys
from pixelmw.delivery import Full, Spool
from tests.support.processes import event

logging.disable()

def down(event):
    raise ConnectionError

spool = Spool(sys.argv[1], down, max_bytes=200_000)
accepted = refused = 0
input()
while refused < 20:
    try:
        spool(event(f"{sys.argv[2]}-{accepted}", 300))
    except Full:
        refused += 1
    else:
        accepted += 1
print(accepted, flush=True)
input()
"""


def test_two_processes_together_stay_under_the_size(tmp_path: Path) -> None:
    directory = tmp_path / "spool"
    processes = [start(_FILL, directory, name) for name in "ab"]
    for process in processes:
        into(process).write("\n")
        into(process).flush()
    accepted = sum(int(out(process).readline()) for process in processes)
    used = size(directory)
    for process in processes:
        into(process).write("\n")
        finish(process)
    report("two processes under max_bytes=200,000", accepted=accepted, bytes=used)
    assert len(waiting(directory)) == accepted
    # What a process may write before it measures again is at most an eighth of what was free. One that was stopped for
    # a moment writes that much beside another that has filled the directory by then.
    assert 150_000 < used < 200_000 + 200_000 / 8 + 400
