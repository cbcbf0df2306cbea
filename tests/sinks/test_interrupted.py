"""Exceptions that are raised in threads while they store: nobody hangs, and what was acknowledged is there."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from pixelmw.sinks import JSONLines, SQLite, Unavailable
from tests.support import interrupts
from tests.support.interrupts import call_and_interrupt
from tests.support.processes import event, found

quiet_log = interrupts.quiet_log
pytestmark = [*interrupts.MARKS, pytest.mark.usefixtures("quiet_log")]


@pytest.mark.parametrize("seconds", [1.0, pytest.param(30.0, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", ["events.db", "events.jsonl"])
def test_eight_threads_store_under_a_rain_of_exceptions(tmp_path: Path, name: str, seconds: float) -> None:
    path = tmp_path / name
    sink = SQLite(path) if path.suffix == ".db" else JSONLines(path, sync=False)
    strange: list[Exception] = []

    def store(name: str) -> None:
        try:
            sink(event(name))
        except Unavailable:
            raise
        except Exception as error:
            strange.append(error)
            raise

    with sink:
        acknowledged = call_and_interrupt(store, seconds=seconds)
        sink(event("afterwards"))
    gc.collect()  # what ended calls left open
    there = found(path)
    assert strange == []
    assert set(acknowledged) <= set(there)
    assert "afterwards" in there
    # How many depends on how often the thread that interrupts gets its turn.
    assert len(acknowledged) > 2 * seconds
