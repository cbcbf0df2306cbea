"""The figures that ``stats()`` of Background and Spool returns, each with its unit and meaning."""

from __future__ import annotations

from typing import TypedDict


class RepeatedStats(TypedDict, total=False):
    """The figure that only the sink of a delivery knows, and not every sink does.

    :ivar repeated: counter of events that the sink had already, by its own ``stats()``.
    """

    repeated: int


class DeliveryStats(RepeatedStats):
    """The figures that every delivery has.

    Counters begin at zero in each process, also in a forked one. The counters of a Spool begin at zero again after
    ``close``, except ``dropped``.

    :ivar queued: events that wait now, including those in the current call of the sink. A Background counts the events
        of this process. A Spool counts all events in the directory, whichever process stored them.
    :ivar oldest: seconds that the oldest of them has waited; 0 if none waits.
    :ivar stored: counter of events that this process has taken, in memory or on disk.
    :ivar forwarded: counter of events that the sink has taken from this process.
    :ivar retried: counter of calls of the sink that failed and are made again.
    :ivar dropped: counter of events lost because there was no room, with ``when_full="drop"``.
    :ivar dead: counter of events that became dead letters.
    """

    queued: int
    oldest: float
    stored: int
    forwarded: int
    retried: int
    dropped: int
    dead: int


class BackgroundStats(DeliveryStats):
    """The figures of a Background, all of this process.

    :ivar queued_bytes: memory that the waiting events take, in bytes: their texts, and what is kept beside them.
    """

    queued_bytes: int


class SpoolStats(DeliveryStats):
    """The figures of a Spool.

    ``queued``, ``oldest``, ``bytes``, ``dead_letters`` and ``dead_bytes`` are those of the directory, and each of its
    processes gives them in full.
    The counters are those of this process: a directory is stored to by all of its processes, and forwarded by one.

    :ivar bytes: size of what waits, in bytes.
    :ivar dead_letters: dead letters that wait in the directory for ``drain --dead``.
    :ivar dead_bytes: size of dead letters and of what is in quarantine, in bytes.
    :ivar lost: counter of events that would have become dead letters, and are gone since there was no room for them.
    :ivar damaged: counter of events that this process found lost to damage on disk.
    """

    bytes: int
    dead_letters: int
    dead_bytes: int
    lost: int
    damaged: int
