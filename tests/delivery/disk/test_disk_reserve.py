"""New events leave room on the disk for dead letters, without which no segment could be deleted."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from pixelmw import Event
from pixelmw.delivery import Retry, Spool
from pixelmw.delivery.disk.directory import SpoolDirectory
from pixelmw.delivery.disk.disk_reserve import DiskReserve
from pixelmw.sinks.base import BatchSink, PartialFailure, Undeliverable
from tests.support.processes import event
from tests.support.spools import volume, waiting

_SIZE = 30_000


class Sink(BatchSink):
    """Down until it is told to be up; refuses every tenth event for ever."""

    def __init__(self) -> None:
        self.up = False
        self.ids: list[str] = []

    def write(self, events: Sequence[Event]) -> None:
        if not self.up:
            raise ConnectionError("down")
        ids = [each["messageId"] for each in events]
        bad = {place: Undeliverable("no") for place, each in enumerate(ids) if is_bad(each)}
        self.ids += [each for each in ids if not is_bad(each)]
        if bad:
            raise PartialFailure(bad)


def is_bad(name: str) -> bool:
    return name.endswith("5")


def free(path: Path) -> int:
    status = os.statvfs(path)
    return (status.f_bfree if os.geteuid() == 0 else status.f_bavail) * status.f_frsize


def store_until_full(spool: Spool) -> list[str]:
    """Store events until the disk is full, and then try a hundred more; returns those that were accepted."""
    accepted: list[str] = []
    for number in range(10_000):
        try:
            spool(event(f"{number}", _SIZE))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            if number > len(accepted) + 100:
                return accepted
        else:
            accepted.append(f"{number}")
    raise AssertionError("it is never full")


def test_a_full_disk_is_emptied_although_each_segment_holds_events_that_are_refused(tmp_path: Path) -> None:
    sink = Sink()
    with volume(tmp_path) as disk:
        directory = disk.path / "spool"
        with Spool(directory, sink, sync="never", retry=Retry(first=0.05, cap=0.05)) as spool:
            accepted = store_until_full(spool)
            segments = len(SpoolDirectory(directory).segments())
            assert segments > 3
            assert free(disk.path) > 2 * 2**20
            sink.up = True
            assert spool.flush(30)
            assert spool.stats()["dead_letters"] == sum(map(is_bad, accepted))
            spool(event("after"))
            assert spool.flush(10)
            assert sorted({*sink.ids, *waiting(directory / "dead")}) == sorted([*accepted, "after"])


def test_the_room_of_a_file_that_was_forwarded_meanwhile_is_free_for_the_next_event(tmp_path: Path) -> None:
    sink = Sink()
    sink.up = True
    with volume(tmp_path) as disk:
        with Spool(disk.path / "spool", sink, sync="never") as spool:
            spool.write([event(f"{number}", _SIZE) for number in range(100)])  # at once: all are in one segment
            assert spool.flush(30)
            with (disk.path / "somebody else's").open("wb") as ballast:
                os.posix_fallocate(ballast.fileno(), 0, free(disk.path) - 2**21)
            time.sleep(1.1)  # until the disk is looked at again
            spool(event("after"))
            assert spool.flush(10)
        assert "after" in sink.ids


def test_what_is_kept_is_small_on_a_small_disk_and_has_a_bound_on_a_large_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.statvfs(tmp_path)
    found = list(real)
    monkeypatch.setattr(os, "statvfs", lambda path: os.statvfs_result(found))
    for blocks, kept in ((2**30, 16 * 2**20 // 4096), (2**10, 2**10 // 16)):
        found[:5] = [4096, 4096, blocks, kept + 1, kept + 1]
        DiskReserve(tmp_path).admit(4096)
        with pytest.raises(OSError, match="No space left on device, but for the") as refusal:
            DiskReserve(tmp_path).admit(4097)
        assert refusal.value.errno == errno.ENOSPC


def test_a_file_system_that_does_not_know_its_size_takes_events(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "statvfs", lambda path: os.statvfs_result([4096, 4096, *[0] * 8]))
    DiskReserve(tmp_path).admit(100)
