"""Exceptions that are raised in threads while they store: nobody hangs, and what was acknowledged is there."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from pixelmw.sinks import JSONLines, SQLite
from tests.support.interrupted import store_while_interrupted
from tests.support.processes import event, found

# An exception that meets a destructor can be raised nowhere.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.mark.parametrize("seconds", [1.0, pytest.param(30.0, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", ["events.db", "events.jsonl"])
def test_eight_threads_store_under_a_rain_of_exceptions(tmp_path: Path, name: str, seconds: float) -> None:
    path = tmp_path / name
    sink = SQLite(path) if path.suffix == ".db" else JSONLines(path, sync=False)
    with sink:
        storing = store_while_interrupted(sink, threads=8, seconds=seconds)
        sink(event("afterwards"))
    gc.collect()  # what ended calls left open
    there = found(path)
    acknowledged = [message_id for each in storing for message_id in each.acknowledged]
    assert [error for each in storing for error in each.strange] == []
    assert set(acknowledged) <= set(there)
    assert "afterwards" in there
    # How many depends on how often the thread that interrupts gets its turn.
    assert len(acknowledged) > 2 * seconds
    assert sum(each.interruptions for each in storing) > seconds
