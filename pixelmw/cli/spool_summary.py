"""What there is in the directory of a spool, and the line that ``drain`` ends with."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from ..delivery.disk.backlog import Backlog
from ..delivery.disk.directory import DEAD, QUARANTINE, SpoolDirectory
from ..delivery.disk.drainer import Drainer
from ..delivery.disk.open_directory import OpenDirectory
from ..delivery.disk.segments.name import Segment
from .forwarding import Forwarding

# So many of the files that cannot be read are named.
_MAX_NAMED = 3


class Left(NamedTuple):
    """What is in a directory.

    :ivar events: how many events wait.
    :ivar dead_letters: how many dead letters wait to be sent again.
    :ivar damaged: how many files with damaged events are kept in ``quarantine``.
    :ivar unreadable: the files and folders that cannot be read.
    """

    events: int
    dead_letters: int
    damaged: int
    unreadable: list[Path]

    @classmethod
    def of(cls, directory: SpoolDirectory, letters: SpoolDirectory) -> Left:
        """Count what is in *directory*, and the dead letters in *letters*, which may be the same."""
        unreadable: list[Path] = []
        events = _count_events(directory, unreadable)
        dead = 0 if letters.path == directory.path else _count_events(letters, unreadable)
        return cls(events, dead, _count_damaged(directory.path / QUARANTINE, unreadable), unreadable)


def _count_events(directory: SpoolDirectory, unreadable: list[Path]) -> int:
    """Return how many events wait in *directory*, and add what cannot be read to *unreadable*."""
    backlog = Backlog(directory)
    try:
        with suppress(FileNotFoundError), OpenDirectory(directory.path) as opened:
            opened.names()  # which says so if it cannot be looked into
        events, _ = backlog.count()
    except OSError:
        unreadable.append(directory.path)
        return 0
    unreadable += [directory.path / segment.name for segment in backlog.unreadable]
    return events


def _count_damaged(quarantine: Path, unreadable: list[Path]) -> int:
    """Return how many files with damaged events there are; what has another name was put there by somebody else."""
    try:
        with OpenDirectory(quarantine) as opened:
            return sum(Segment.is_named_in(entry.name) for entry in opened.files())
    except FileNotFoundError:
        return 0
    except OSError:
        unreadable.append(quarantine)
        return 0


def summary(
    drainer: Drainer, left: Left, directory: SpoolDirectory, seconds: float, forwarding: Forwarding, *, lost: int
) -> str:
    """Return what *drainer* has done in so many *seconds*, and what is left, on one line.

    :param forwarding: knows why it ended.
    :param lost: how many dead letters there was no room for.
    """
    counts = drainer.forwarder.counts
    parts = [f"forwarded {_events(counts['forwarded'])} in {seconds:.1f} s"]
    if forwarding.waited_for:
        parts.append(f"gave up waiting for {forwarding.waited_for}")
    if forwarding.lost_turn:
        parts.append(f"lost its turn: {forwarding.lost_turn}")
    if dead := counts["dead"] - lost:
        parts.append(f"{dead:,} became {'a dead letter' if dead == 1 else 'dead letters'}")
    if lost:
        parts.append(
            f"{_events(lost)} {_were(lost)} refused and {_are(lost)} lost: there is no room for more dead letters"
        )
    if damaged := drainer.damaged_records:
        parts.append(f"{damaged:,} {_were(damaged)} damaged: see quarantine")
    parts += _left_in_words(left, directory)
    if not (any(left) or forwarding.lost_turn):
        parts.append("nothing is left")
    return "; ".join(parts)


def _left_in_words(left: Left, directory: SpoolDirectory) -> list[str]:
    parts = []
    if left.events:
        parts.append(f"{_events(left.events)} {_are(left.events)} left")
    if count := left.dead_letters:
        letters = "1 dead letter waits" if count == 1 else f"{count:,} dead letters wait"
        parts.append(f"{letters} in {directory.path / DEAD}: --dead sends them again")
    if count := left.damaged:
        files = "1 file" if count == 1 else f"{count:,} files"
        parts.append(f"{files} with damaged events {_are(count)} in {directory.path / QUARANTINE}")
    if left.unreadable:
        named = ", ".join(map(str, left.unreadable[:_MAX_NAMED]))
        more = len(left.unreadable) - _MAX_NAMED
        parts.append(f"cannot read {named}{f' and {more:,} more' if more > 0 else ''}")
    return parts


def _events(count: int) -> str:
    return "1 event" if count == 1 else f"{count:,} events"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"
