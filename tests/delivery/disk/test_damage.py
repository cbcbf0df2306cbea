"""Segments that were damaged: every other event is delivered, none altered, and the loss is counted and kept."""

from __future__ import annotations

import logging
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelmw import Event
from pixelmw.delivery import Spool
from pixelmw.delivery.disk.directory import SpoolDirectory
from pixelmw.delivery.disk.records import DamagedStretch, Record, encode_record, read_records
from pixelmw.sinks.encoding import encode
from tests.support.faults import full_disk
from tests.support.spools import FULL, drain, drainer, fill, payloads, report, waiting

IDS = [f"id-{number}" for number in range(12)]


@pytest.fixture
def segment(tmp_path: Path) -> Path:
    return fill(tmp_path / "spool", IDS)


def records(segment: Path) -> list[Record]:
    return [record for record in read_records(segment.read_bytes(), 0) if isinstance(record, Record)]


def copies(segment: Path, tmp_path: Path, data: bytes | bytearray) -> Path:
    """A directory of its own with a segment that holds *data*."""
    folder = next(path for number in count() if not (path := tmp_path / f"copy-{number}").exists())
    folder.mkdir(mode=0o700)
    (folder / segment.name).write_bytes(data)
    return folder


def quarantined(directory: Path) -> dict[int, bytes]:
    """What is in quarantine, by its place in its segment."""
    return {int(path.suffix[1:]): path.read_bytes() for path in (directory / "quarantine").glob("*.segment.*")}


def delivered(directory: Path) -> tuple[list[Event], int]:
    """What is delivered of a directory, and how many records were counted as damaged; nothing is left."""
    events: list[Event] = []
    damaged = drain(directory, events.append).damaged_records
    assert not SpoolDirectory(directory).segments()
    return events, damaged


def original(ids: list[str]) -> list[bytes]:
    return payloads(ids)


def written(events: list[Event]) -> list[bytes]:
    return [encode(event) for event in events]


def test_each_flipped_byte_costs_the_one_record_it_is_in(tmp_path: Path, segment: Path) -> None:
    data, places = segment.read_bytes(), records(segment)
    assert len(places) == 12
    flips = range(0, len(data), 1 if FULL else 7)
    for place in flips:
        broken = bytearray(data)
        broken[place] ^= 1 << place % 8
        directory = copies(segment, tmp_path, broken)
        hit = next(number for number, record in enumerate(places) if record.start <= place < record.end)
        events, damaged = delivered(directory)
        assert written(events) == original([name for name in IDS if name != IDS[hit]])
        assert damaged == 1
        start, end = places[hit].start, places[hit].end
        assert quarantined(directory) == {start: bytes(broken[start:end])}
    report("flipped bytes", flipped=len(flips), lost_beside_the_flipped=0, altered=0, quarantined=len(flips))


def test_whatever_stands_before_a_cut_is_delivered_and_the_rest_is_kept(tmp_path: Path, segment: Path) -> None:
    data, places = segment.read_bytes(), records(segment)
    lengths = range(0, len(data), 1 if FULL else 11)
    torn = 0
    for length in lengths:
        directory = copies(segment, tmp_path, data[:length])
        whole = sum(record.end <= length for record in places)
        end = places[whole - 1].end if whole else 0
        events, damaged = delivered(directory)
        assert written(events) == original(IDS[:whole])
        assert damaged == (length > end)
        assert quarantined(directory) == ({end: data[end:length]} if length > end else {})
        torn += damaged
    report("truncated segments", lengths=len(lengths), lost_before_the_cut=0, torn_and_quarantined=torn)


@pytest.mark.parametrize(
    "tail",
    [b"\0" * 4096, b"\0", b"garbage", b"\xffPX1", b"\xffPX1" + b"\xff" * 40, encode_record(12, b"not JSON")],
    ids=["zeros", "a zero", "garbage", "a mark", "a mark and a length beyond the end", "a record that is no JSON"],
)
def test_what_follows_the_last_record_costs_none_of_them(tmp_path: Path, segment: Path, tail: bytes) -> None:
    data = segment.read_bytes()
    directory = copies(segment, tmp_path, data + tail)
    events, damaged = delivered(directory)
    assert written(events) == original(IDS)
    assert damaged == 1
    assert quarantined(directory) == {len(data): tail}


@pytest.mark.parametrize("hit", [(3, 4), (3, 8), (0, 1), (0, 11), (10, 11)], ids=str)
def test_two_damaged_records_are_two_that_are_lost(tmp_path: Path, segment: Path, hit: tuple[int, int]) -> None:
    broken = bytearray(segment.read_bytes())
    places = records(segment)
    for number in hit:
        broken[places[number].end - 1] ^= 1
    directory = copies(segment, tmp_path, broken)
    events, damaged = delivered(directory)
    assert written(events) == original([name for number, name in enumerate(IDS) if number not in hit])
    assert damaged == 2
    assert b"".join(data for _, data in sorted(quarantined(directory).items())) == b"".join(
        bytes(broken[places[number].start : places[number].end]) for number in hit
    )


def test_the_loss_is_counted_where_only_what_follows_it_is_left_to_forward(tmp_path: Path, segment: Path) -> None:
    broken = bytearray(segment.read_bytes())
    place = records(segment)[6]
    broken[place.end - 1] ^= 1
    directory = copies(segment, tmp_path, broken)
    SpoolDirectory(directory).cursors.write(SpoolDirectory(directory).segments()[0], place.start)
    events, damaged = delivered(directory)
    assert written(events) == original(IDS[7:])
    assert damaged == 1


@pytest.mark.parametrize("cursor", [b"", b"\0" * 12, b"\xff" * 12, b"\xff" * 5, b"x" * 4096], ids=len)
def test_a_damaged_cursor_means_sending_all_of_it(tmp_path: Path, segment: Path, cursor: bytes) -> None:
    directory = segment.parent
    segment.with_name(f"{segment.name}.cursor").write_bytes(cursor)
    events, damaged = delivered(directory)
    assert written(events) == original(IDS)
    assert damaged == 0
    assert {path.name for path in directory.iterdir()} == set()


def test_each_flipped_bit_of_a_cursor_means_sending_all_of_it(tmp_path: Path, segment: Path) -> None:
    place = SpoolDirectory(segment.parent)
    (name,) = place.segments()
    place.cursors.write(name, records(segment)[5].end)
    assert place.cursors.read(name) == records(segment)[5].end
    good = (segment.parent / name.cursor_name).read_bytes()
    for bit in range(len(good) * 8):
        broken = bytearray(good)
        broken[bit // 8] ^= 1 << bit % 8
        (segment.parent / name.cursor_name).write_bytes(broken)
        assert place.cursors.read(name) == 0


def test_a_file_that_is_none_of_ours_is_left_alone(tmp_path: Path, segment: Path) -> None:
    directory = segment.parent
    names = ["notes.txt", f"{segment.name}.bak", "x.segment", f"{segment.stem}.segments", "1-2-3.segment"]
    for name in names:
        (directory / name).write_bytes(b"mine")
    (directory / "folder").mkdir()
    delivered(directory)
    assert {path.name for path in directory.iterdir()} == {*names, "folder"}
    assert all((directory / name).read_bytes() == b"mine" for name in names)


def test_the_spool_tells_of_what_was_damaged(tmp_path: Path, segment: Path, caplog: pytest.LogCaptureFixture) -> None:
    broken = bytearray(segment.read_bytes())
    broken[100] ^= 1
    events: list[Event] = []
    directory = copies(segment, tmp_path, broken)
    with Spool(directory, events.append) as spool:
        assert spool.flush(10)
        stats = spool.stats()
    assert (stats["damaged"], stats["forwarded"], stats["queued"]) == (1, 11, 0)
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("pixelmw.delivery", logging.ERROR)
    assert segment.name in record.getMessage()
    assert "id-" not in record.getMessage()


def test_damage_that_cannot_be_set_aside_keeps_its_segment_and_sends_nothing_twice(tmp_path: Path) -> None:
    with full_disk(tmp_path, "spool") as (directory, lasting):
        path = fill(directory, IDS)
        broken = bytearray(path.read_bytes())
        broken[100] ^= 1
        path.write_bytes(broken)
        events: list[Event] = []
        forwarding = drainer(directory, events.append)
        with lasting():
            for _ in range(5):
                forwarding.step()
            assert path.read_bytes() == broken
            assert len(events) == 11
        for _ in range(3):
            forwarding.step()
        assert not path.exists()
        assert len(quarantined(directory)) == 1
        assert len(events) == 11
        assert forwarding.damaged_records == 1
        assert waiting(directory) == []


bodies = st.lists(st.text().map(str.encode), max_size=8)


@given(bodies, st.integers(0, 2**63))
def test_what_was_encoded_is_scanned(bodies: list[bytes], first: int) -> None:
    found = list(
        read_records(b"".join(encode_record(number, body) for number, body in enumerate(bodies, first)), first)
    )
    assert [record.payload for record in found if isinstance(record, Record)] == bodies
    assert [record.sequence for record in found if isinstance(record, Record)] == list(
        range(first, first + len(bodies))
    )


@given(bodies, st.data())
def test_no_altered_payload_comes_out_and_every_byte_is_accounted_for(bodies: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(encode_record(number, body) for number, body in enumerate(bodies))
    broken = bytearray(whole)
    for _ in range(data.draw(st.integers(0, 4))):
        start = data.draw(st.integers(0, len(broken)))
        end = data.draw(st.integers(start, min(len(broken), start + 40)))
        broken[start:end] = data.draw(st.binary(max_size=40))
    end = 0
    for each in read_records(bytes(broken), 0):
        assert each.start == end
        end = each.end
        if isinstance(each, Record):
            assert bodies[each.sequence] == each.payload
        else:
            assert isinstance(each, DamagedStretch)
            assert each.lost >= 1
    assert end == len(broken)
