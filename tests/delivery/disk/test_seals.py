"""Modes that an operator or a platform changes: seals are undone, and no acknowledged event is lost."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from pixelmw.delivery import Retry, Spool
from pixelmw.delivery.disk.directory import SpoolDirectory
from pixelmw.delivery.disk.journal import Journal
from tests.support import seals
from tests.support.processes import event, wait_until
from tests.support.seals import Sink, Writer, segments
from tests.support.spools import drainer, fill, payloads

writer = seals.writer


def by_hand(directory: Path) -> None:
    """What an operator types after a restore or a copy."""
    subprocess.run(["chmod", "-R", "u+rwX", directory], check=True)


def at_mounting(directory: Path) -> None:
    """What a platform does that gives a volume to a group."""
    for path in segments(directory):
        path.chmod(path.stat().st_mode | 0o660)


@pytest.mark.parametrize("change", [by_hand, at_mounting])
@pytest.mark.parametrize("by_another", [False, True], ids=["one process", "two processes"])
def test_what_is_appended_to_a_segment_that_was_read_is_forwarded_too(
    tmp_path: Path, writer: Writer, change: Callable[[Path], None], by_another: bool
) -> None:
    directory, sink = tmp_path / "spool", Sink()
    with Spool(directory, sink, retry=Retry(cap=0.1)) as spool:

        def store(name: str) -> None:
            writer.store(directory, name) if by_another else spool(event(name))

        store("first")
        wait_until(lambda: sink.calls)  # it was sealed and read
        for number in range(3):
            change(directory)
            store(f"late-{number}")
            assert len(segments(directory)) == 1
        sink.is_down = False
        assert spool.flush(20)
        assert spool.stats()["queued"] == 0
    assert sink.ids == ["first", "late-0", "late-1", "late-2"]


def test_what_came_late_goes_before_what_was_read_after_it(tmp_path: Path) -> None:
    place, sink = SpoolDirectory(tmp_path / "spool"), Sink()
    place.prepare()
    with closing(Journal(place, sync=False)) as journal:
        journal.append(payloads(["a-0"]))
        (first,) = segments(place.path)
        fill(place.path, [f"b-{number}" for number in range(600)])
        forwarding = drainer(place.path, sink)
        forwarding.step()
        by_hand(place.path)
        journal.append(payloads(["a-1"]))
        assert segments(place.path)[0] == first
        assert len(segments(place.path)) == 2
        sink.is_down = False
        while not forwarding.step().nothing_is_left:
            pass
    assert sink.ids == ["a-0", *(f"b-{number}" for number in range(499)), "a-1", *(f"b-{n}" for n in range(499, 600))]
    assert segments(place.path) == []
