"""The format of a segment: each record can be found and checked by itself, so that damage to one costs no other."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple
from zlib import crc32

# UTF-8 has no byte 0xFF (RFC 3629), so no payload holds the mark of a record, nor any part of it.
_MAGIC = b"\xffPX1"
# Mark, length of the payload, CRC-32 of what follows and of the length, sequence number.
_HEADER = struct.Struct("<4sIIQ")
_CHECKED = struct.Struct("<IQ")


class Record(NamedTuple):
    """A whole record: its offsets in the segment, its sequence number, and the event as JSON in UTF-8."""

    start: int
    end: int
    sequence: int
    payload: bytes


class DamagedStretch(NamedTuple):
    """A stretch of a segment that holds no whole record, and how many records it must have held."""

    start: int
    end: int
    lost: int


def encode_record(sequence: int, payload: bytes) -> bytes:
    """Return *payload* as a record."""
    size = len(payload)
    return _HEADER.pack(_MAGIC, size, _checksum(size, sequence, payload), sequence) + payload


def ends_whole(data: bytes) -> bool:
    """Return True if *data*, a part of a segment, ends with a whole record, or has nothing."""
    last = data.rfind(_MAGIC)
    record = _record_at(data, last) if last >= 0 else None
    return not data or (record is not None and record.end == len(data))


def read_records(data: bytes, first: int, start: int = 0) -> Iterator[Record | DamagedStretch]:
    """Yield what *data*, a segment, holds from *start* on, in order and without a gap.

    :param first: the sequence number of the record that should stand at *start*.
    """
    expected = first
    while start < len(data):
        record = _record_at(data, start) or _next_record(data, start + 1)
        if record is None:
            # The end was torn off, or never written. It was not acknowledged, unless the disk does not honour syncs.
            yield DamagedStretch(start, len(data), max(1, data.count(_MAGIC, start)))
            return
        if record.start > start:
            yield DamagedStretch(start, record.start, max(1, record.sequence - expected))
        yield record
        start, expected = record.end, record.sequence + 1


def _record_at(data: bytes, start: int) -> Record | None:
    if len(data) - start < _HEADER.size:
        return None
    magic, size, checksum, sequence = _HEADER.unpack_from(data, start)
    end = start + _HEADER.size + size
    if magic != _MAGIC or end > len(data):
        return None
    # Before the checksum: forged headers that overlap would each have the same megabyte summed up.
    if data.find(b"\xff", start + _HEADER.size, end) >= 0:
        return None
    payload = data[start + _HEADER.size : end]
    return Record(start, end, sequence, payload) if _checksum(size, sequence, payload) == checksum else None


def _next_record(data: bytes, start: int) -> Record | None:
    while (start := data.find(_MAGIC, start)) >= 0:
        if (record := _record_at(data, start)) is not None:
            return record
        start += 1
    return None


def _checksum(size: int, sequence: int, payload: bytes) -> int:
    return crc32(payload, crc32(_CHECKED.pack(size, sequence)))
