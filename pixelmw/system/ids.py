"""Random UUIDs, made many at a time."""

from __future__ import annotations

import os
from collections import deque

from .process import current_process

# os.urandom releases the interpreter's lock. Under a threaded server the caller then waits until the other threads have
# had their turn. So one call fetches the bytes of many ids.
_IDS_PER_FETCH = 256
_BYTES_PER_ID = 16

_ready_ids: deque[str] = deque()
_made_in: object = None  # the process that made them


def random_uuid() -> str:
    """A random UUID (RFC 9562, version 4) from the system's source of random bytes; safe across threads and forks.

    :returns: 36 characters, in lower case.
    """
    global _made_in
    if _made_in is not (process := current_process()):  # the parent gives out the ids that a child inherited
        _ready_ids.clear()
        _made_in = process
    try:
        return _ready_ids.pop()
    except IndexError:
        fetched = os.urandom(_IDS_PER_FETCH * _BYTES_PER_ID)
        starts = range(0, len(fetched), _BYTES_PER_ID)
        first, *others = (_uuid4(fetched[start : start + _BYTES_PER_ID]) for start in starts)
        _ready_ids.extend(others)
        return first


def _uuid4(random: bytes) -> str:
    """*random*, 16 bytes, as a UUID; six of its bits are replaced by the version and the variant."""
    digits = random.hex()
    variant = "89ab"[random[8] & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
