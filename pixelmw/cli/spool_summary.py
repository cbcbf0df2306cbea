"""What there is in the directory of a spool, and the line that ``drain`` ends with."""

from __future__ import annotations

from typing import NamedTuple

from ..delivery.disk.backlog import Backlog
from ..delivery.disk.directory import DEAD, DESTINATION, QUARANTINE, SpoolDirectory
from ..delivery.disk.drainer import Drainer
from .forwarding import Forwarding

# Of what a Spool leaves in its directory when all is forwarded, if it ever had an event.
_NAMES = ("drain.lock", DESTINATION, DEAD, QUARANTINE)


def check_is_spool(directory: SpoolDirectory) -> None:
    """Check that *directory* is one of a spool, and leave nothing there.

    :raises ValueError: if it is none.
    """
    if not directory.path.is_dir():
        raise ValueError(f"{directory.path} is no directory")
    if not directory.segments() and not any((directory.path / name).exists() for name in _NAMES):
        raise ValueError(f"{directory.path} is the directory of no spool: there are no events, and never were")


class Left(NamedTuple):
    """What is in a directory.

    :ivar events: how many events wait.
    :ivar dead_letters: how many dead letters wait to be sent again.
    :ivar damaged: how many files with damaged events are kept in ``quarantine``.
    """

    events: int
    dead_letters: int
    damaged: int

    @classmethod
    def of(cls, directory: SpoolDirectory, letters: SpoolDirectory) -> Left:
        """Count what is in *directory*, and the dead letters in *letters*, which may be the same."""
        dead = 0 if letters.path == directory.path else Backlog(letters).count()[0]
        return cls(Backlog(directory).count()[0], dead, len(directory.quarantined()))


def summary(drainer: Drainer, left: Left, directory: SpoolDirectory, seconds: float, forwarding: Forwarding) -> str:
    """Return what *drainer* has done in so many *seconds*, and what is left, on one line.

    :param forwarding: knows why it ended.
    """
    counts = drainer.forwarder.counts
    parts = [f"forwarded {_events(counts['forwarded'])} in {seconds:.1f} s"]
    if forwarding.waited_for:
        parts.append(f"gave up waiting for {forwarding.waited_for}")
    if forwarding.lost_turn:
        parts.append(f"lost its turn: {forwarding.lost_turn}")
    if dead := counts["dead"]:
        parts.append(f"{dead:,} became {'a dead letter' if dead == 1 else 'dead letters'}")
    if damaged := drainer.damaged_records:
        parts.append(f"{damaged:,} {_were(damaged)} damaged: see quarantine")
    if left.events:
        parts.append(f"{_events(left.events)} {_are(left.events)} left")
    if count := left.dead_letters:
        letters = "1 dead letter waits" if count == 1 else f"{count:,} dead letters wait"
        parts.append(f"{letters} in {directory.path / DEAD}: --dead sends them again")
    if count := left.damaged:
        files = "1 file" if count == 1 else f"{count:,} files"
        parts.append(f"{files} with damaged events {_are(count)} in {directory.path / QUARANTINE}")
    if not (any(left) or forwarding.lost_turn):
        parts.append("nothing is left")
    return "; ".join(parts)


def _events(count: int) -> str:
    return "1 event" if count == 1 else f"{count:,} events"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"
