"""The format of a segment: records that stand for themselves, so that damage to one leaves the others whole."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple
from zlib import crc32

# 0xFF stands in no UTF-8, so within a payload there is no beginning of a record.
_MAGIC = b"\xffPX1"
# Mark, length of the payload, CRC-32 of what follows and of the length, sequence number.
_HEADER = struct.Struct("<4sIIQ")
_CHECKED = struct.Struct("<IQ")


class Record(NamedTuple):
    """A whole record: where it begins and ends in its segment, its number, and the event as JSON in UTF-8."""

    start: int
    end: int
    sequence: int
    payload: bytes


class Damage(NamedTuple):
    """A stretch of a segment that holds no whole record, and how many it must have held."""

    start: int
    end: int
    lost: int


def encode(sequence: int, payload: bytes) -> bytes:
    """*payload* as a record."""
    size = len(payload)
    return _HEADER.pack(_MAGIC, size, _checksum(size, sequence, payload), sequence) + payload


def scan(data: bytes, first: int, start: int = 0) -> Iterator[Record | Damage]:
    """What *data*, a segment, holds from *start* on, in order and without a gap.

    :param first: the number of the record that should stand at *start*.
    """
    expected = first
    while start < len(data):
        record = _record_at(data, start) or _next_record(data, start + 1)
        if record is None:
            # The end was torn off, or never written; nobody was told that it was stored, unless the disk lied.
            yield Damage(start, len(data), max(1, data.count(_MAGIC, start)))
            return
        if record.start > start:
            yield Damage(start, record.start, max(1, record.sequence - expected))
        yield record
        start, expected = record.end, record.sequence + 1


def _record_at(data: bytes, start: int) -> Record | None:
    if len(data) - start < _HEADER.size:
        return None
    magic, size, checksum, sequence = _HEADER.unpack_from(data, start)
    end = start + _HEADER.size + size
    if magic != _MAGIC or end > len(data):
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
