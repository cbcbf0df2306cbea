"""Segments that somebody copies into the directory of a spool, such as those of a server that is given up."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pixelmw import Event
from pixelmw.delivery.disk.records import Record, read_records
from tests.support.spools import drain, drainer, fill, step, step_to_the_end, waiting

_IDS = ["1", "2", "3", "4"]
_LONG_AGO = "01600000000000"


@pytest.fixture
def data(tmp_path: Path) -> bytes:
    """What a segment of another server holds."""
    return fill(tmp_path / "other", _IDS).read_bytes()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Where a segment is copied to that was begun long ago, in the directory of a spool without events."""
    path = fill(tmp_path / "spool", ["here"])
    drain(path.parent, lambda event: None)
    return path.with_name(path.name.replace(path.name[:14], _LONG_AGO))


def cuts(data: bytes) -> list[int]:
    """Where a copy may stop for a moment: with nothing, behind records, and within their headers and texts."""
    ends = [found.end for found in read_records(data, 0) if isinstance(found, Record)]
    return sorted({0, *ends[:-1], *(end + within for end in [0, *ends[:-1]] for within in (1, 4, 20, 30))})


def test_a_segment_that_is_copied_in_parts_arrives_whole_and_once(copy: Path, data: bytes) -> None:
    for cut in cuts(data):
        events: list[Event] = []
        copy.write_bytes(data[:cut])
        forwarding = drainer(copy.parent, events.append)
        for _ in range(3):
            assert step(forwarding)  # something is left: the rest of the copy
        with copy.open("r+b") as file:
            file.seek(cut)
            file.write(data[cut:])
        assert step(forwarding)
        os.utime(copy, (1.6e9, 1.6e9))  # as cp -p and mv do at their end
        step_to_the_end(forwarding)
        ids = [event["messageId"] for event in events]
        assert (cut, ids, forwarding.damaged_records, copy.exists()) == (cut, _IDS, 0, False)
    assert not (copy.parent / "quarantine").exists()


def test_what_is_missing_of_a_copy_that_has_ended_is_damage(copy: Path, data: bytes) -> None:
    ids: list[str] = []
    copy.write_bytes(data[:-1])
    os.utime(copy, (1.6e9, 1.6e9))
    forwarding = drain(copy.parent, lambda event: ids.append(event["messageId"]))
    assert (ids, forwarding.damaged_records, waiting(copy.parent)) == (_IDS[:-1], 1, [])
