"""Dead letters and damaged records have a bound of their own: they take no room from what waits, and no more."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import pytest

from pixelmw import Event
from pixelmw.delivery import Retry, Spool
from pixelmw.sinks.base import Undeliverable
from tests.support.processes import event
from tests.support.spools import fill, waiting


def refuse(each: Event) -> None:
    raise Undeliverable("never")


def size(directory: Path) -> int:
    return sum(path.stat().st_size for folder in ("dead", "quarantine") for path in (directory / folder).glob("*"))


def lost(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The ids of the events that the log says are lost."""
    return [
        message.split("'")[1]
        for record in caplog.records
        if "is lost" in (message := record.getMessage()) and record.levelno == logging.ERROR
    ]


def test_past_the_bound_a_dead_letter_is_logged_counted_and_gone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    directory = tmp_path / "spool"
    with Spool(directory, refuse, max_bytes=2**20, max_dead_bytes=10_000, retry=Retry(first=0.001, cap=0.001)) as spool:
        for number in range(60):
            spool(event(f"{number}", 300))
        assert spool.flush(30)
        stats = spool.stats()
    kept = waiting(directory / "dead")
    assert stats["dead"] == stats["dead_letters"] == len(kept) > 15
    assert stats["lost"] == len(lost(caplog)) == 60 - len(kept)
    assert sorted([*kept, *lost(caplog)], key=int) == [str(number) for number in range(60)]
    assert 7_000 < stats["dead_bytes"] == size(directory) <= 10_000
    assert (stats["queued"], stats["bytes"], stats["forwarded"]) == (0, 0, 0)
    assert f"there is no room for more in {directory} (max_dead_bytes=10000)" in caplog.text


def test_dead_letters_take_no_room_from_what_waits(tmp_path: Path) -> None:
    directory = tmp_path / "spool"
    fill(directory, [f"old-{number}" for number in range(150)])
    fill(directory / "dead", [f"dead-{number}" for number in range(2_000)])
    with Spool(directory, refuse, max_bytes=50_000, retry=Retry(first=0.001, cap=0.001)) as spool:
        assert spool.max_dead_bytes == 5_000
        assert size(directory) > 50_000
        spool(event("accepted"))
        assert spool.flush(30)
        stats = spool.stats()
    assert stats["bytes"] == 0
    assert (stats["dead_letters"], stats["dead"], stats["lost"]) == (2_000, 0, 151)


def test_damage_past_the_bound_is_not_kept_and_its_segment_is_forwarded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    directory = tmp_path / "spool"
    segment = fill(directory, ["first", "second"])
    segment.write_bytes(segment.read_bytes() + b"x" * 5_000)
    events: list[Event] = []
    with Spool(directory, events.append, max_dead_bytes=4_000) as spool:
        assert spool.flush(10)
        stats = spool.stats()
    assert [each["messageId"] for each in events] == ["first", "second"]
    assert (stats["damaged"], stats["dead_bytes"], stats["lost"]) == (1, 0, 0)
    assert f"what is left of {segment.name}" in caplog.text
    assert not list(directory.glob("quarantine/*"))


def test_quarantine_and_dead_letters_share_the_bound(tmp_path: Path) -> None:
    directory = tmp_path / "spool"
    segment = fill(directory, ["first"])
    segment.write_bytes(segment.read_bytes() + b"x" * 3_000)
    with Spool(directory, lambda each: None, max_dead_bytes=4_000) as spool:
        assert spool.flush(10)
    with Spool(directory, refuse, max_dead_bytes=4_000, retry=Retry(first=0.001, cap=0.001)) as spool:
        assert spool.stats()["dead_bytes"] == 3_000
        spool.write([event(f"{number}", 300) for number in range(10)])
        assert spool.flush(10)
        stats = spool.stats()
    assert 1 <= stats["dead"] <= 2
    assert stats["dead"] + stats["lost"] == 10


def test_the_figures_count_dead_letters_that_an_earlier_process_left(tmp_path: Path) -> None:
    fill(tmp_path / "spool", ["waits"])
    fill(tmp_path / "spool" / "dead", ["one", "two"])
    with Spool(tmp_path / "spool", lambda each: None) as spool:
        stats = spool.stats()
    assert (stats["dead_letters"], stats["dead"], stats["lost"]) == (2, 0, 0)
    assert stats["dead_bytes"] > 0


@pytest.mark.parametrize("bound", [-1, -(2**30)])
def test_a_bound_below_nothing_is_refused(tmp_path: Path, bound: int) -> None:
    with pytest.raises(ValueError, match=f"max_dead_bytes is {bound}: give at least 0"):
        Spool(tmp_path / "spool", print, max_dead_bytes=bound)


def test_the_folder_is_made_again_if_somebody_deletes_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    directory = tmp_path / "spool"
    with Spool(directory, refuse, retry=Retry(first=0.001, cap=0.001)) as spool:
        spool(event("before"))
        assert spool.flush(10)
        for count in (1, 2):
            assert waiting(directory / "dead") != []
            shutil.rmtree(directory / "dead")
            spool(event(f"after-{count}"))
            assert spool.flush(10)
        assert waiting(directory / "dead") == ["after-2"]
        assert (directory / "dead").stat().st_mode & 0o777 == 0o700
        assert spool.stats()["dead_letters"] == 1
    assert "a dead letter was not stored" not in caplog.text
