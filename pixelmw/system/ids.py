"""Ids for events that came without one."""

from __future__ import annotations

import os
from collections import deque

# Each request to the system for random bytes lets go of the interpreter's lock, so that under a threaded server
# the event would wait for its next turn. So ids are made in batches, one request for each.
_BATCH = 256
_SIZE = 16  # bytes

_ready: deque[str] = deque()
_owner = 0  # the process that made them


def random_uuid() -> str:
    """A random UUID (RFC 9562, version 4), from the system's source of random bytes; safe across threads and fork."""
    global _owner
    if _owner != os.getpid():  # a child that went on with its parent's would give them out again
        _ready.clear()
        _owner = os.getpid()
    try:
        return _ready.pop()
    except IndexError:
        fetched = os.urandom(_BATCH * _SIZE)
        made, *others = (_uuid4(fetched[at : at + _SIZE]) for at in range(0, len(fetched), _SIZE))
        _ready.extend(others)
        return made


def _uuid4(random: bytes) -> str:
    """*random* as a UUID, but for the six bits that tell its version and variant."""
    digits = random.hex()
    variant = "89ab"[random[8] & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
