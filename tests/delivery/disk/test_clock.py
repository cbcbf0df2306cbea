"""The clock of the system is set back or forward while events wait."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from pixelmw import Event
from pixelmw.delivery import Spool
from tests.support.processes import event

_HOUR = 3600.0


class Clock:
    """The clock of the system, as somebody sets it."""

    def __init__(self) -> None:
        self.set_by = 0.0
        self._time = time.time

    def __call__(self) -> float:
        return self._time() + self.set_by


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "time", clock)
    return clock


def down(each: Event) -> None:
    raise ConnectionError("down")


def test_a_clock_that_is_set_back_hides_no_outage(tmp_path: Path, clock: Clock) -> None:
    spool = Spool(tmp_path / "spool", down)
    spool(event("before"))
    assert spool.stats()["queued"] == 1
    clock.set_by = -_HOUR
    time.sleep(0.05)
    assert 0.05 <= spool.stats()["oldest"] < _HOUR / 2
    spool.close(0)


def test_events_that_come_after_the_clock_was_set_back_do_not_look_like_the_oldest(
    tmp_path: Path, clock: Clock
) -> None:
    spool = Spool(tmp_path / "spool", down)
    spool(event("before"))
    assert spool.stats()["queued"] == 1
    time.sleep(0.05)
    clock.set_by = -_HOUR
    with Spool(tmp_path / "spool", down) as another:  # as another process has it, whose files have names of that time
        another(event("after"))
        oldest = spool.stats()["oldest"]
        another.close(0)
    assert spool.stats()["queued"] == 2
    assert 0.05 <= oldest < _HOUR / 2
    spool.close(0)


def test_a_clock_that_is_set_back_does_not_change_the_order_of_a_process(tmp_path: Path, clock: Clock) -> None:
    arrived: list[str] = []
    spool = Spool(tmp_path / "spool", down)
    for number, set_by in enumerate([0.0, _HOUR, -_HOUR, 0.0]):
        clock.set_by = set_by
        spool(event(str(number)))
    spool.close(0)
    with Spool(tmp_path / "spool", lambda each: arrived.append(each["messageId"])) as another:
        assert another.flush(20)
    assert arrived == ["0", "1", "2", "3"]
