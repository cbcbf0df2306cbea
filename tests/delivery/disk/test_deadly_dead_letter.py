"""A user's sink for dead letters that kills the process: after three deaths the event goes to the folder ``dead``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pixelmw import Event
from pixelmw.delivery.disk.dead_letter_store import DeadLetterStore
from pixelmw.sinks.base import Undeliverable
from tests.support.processes import start
from tests.support.spools import drainer, fill, step_to_the_end, waiting

_FORWARD = """
import os, signal, sys
from pixelmw.delivery import Spool
from pixelmw.sinks import JSONLines
from pixelmw.sinks.base import Undeliverable

stored = JSONLines(sys.argv[2], sync=False)

def sink(event):
    if event["messageId"].startswith("bad"):
        raise Undeliverable("no")
    stored(event)

def dead_letter(event):
    if event["messageId"] == "bad, and deadly":
        os.kill(os.getpid(), signal.SIGKILL)
    stored(event)

with Spool(sys.argv[1], sink, dead_letter=dead_letter) as spool:
    print(spool.flush(20))
"""


def forward(spool: Path, lines: Path) -> int:
    """Forward in a process of its own; returns its exit status."""
    process = start(_FORWARD, spool, lines)
    try:
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert output == ("True\n" if process.returncode == 0 else "")
    return process.returncode


def test_after_three_deaths_the_dead_letter_is_kept_in_the_spool(tmp_path: Path) -> None:
    spool, lines = tmp_path / "spool", tmp_path / "lines"
    fill(spool, ["first", "bad", "bad, and deadly", "last"])
    assert [forward(spool, lines) for _ in range(4)] == [-9, -9, -9, 0]
    assert waiting(spool) == []
    assert waiting(spool / "dead") == ["bad, and deadly"]
    stored = {json.loads(line)["messageId"] for line in lines.read_text().splitlines()}
    assert stored == {"first", "bad", "last"}


def refuse(each: Event) -> None:
    raise Undeliverable("no")


def drained_after(deaths: int, directory: Path, dead_letter: Callable[[Event], object]) -> str:
    """Forward one bad event, with whose dead letter so many processes died; returns the name of that call."""
    call = f"{fill(directory, ['bad']).name}:0:dead_letter"
    line = {"events": 1, "alone": call, "deaths": {call: deaths - 1}}
    (directory / "in-flight").write_text(json.dumps(line) + "\n")
    forwarding = drainer(directory, refuse, dead_letter=dead_letter, last_resort=DeadLetterStore(directory / "dead"))
    forwarding.begin_turn()
    step_to_the_end(forwarding)
    assert forwarding.in_flight.deaths == {}
    return call


def test_two_deaths_are_no_proof(tmp_path: Path) -> None:
    noted: list[dict[str, object]] = []

    def bury(each: Event) -> None:
        noted.append(json.loads((tmp_path / "in-flight").read_text().splitlines()[0]))

    call = drained_after(2, tmp_path, bury)
    assert noted == [{"events": 1, "alone": call, "batches": 0, "deaths": {call: 2}}]
    assert not (tmp_path / "dead").exists()


def test_after_three_it_is_not_called_and_the_log_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    letters: list[Event] = []
    drained_after(3, tmp_path, letters.append)
    assert (letters, waiting(tmp_path / "dead")) == ([], ["bad"])
    assert "3 processes died while" in caplog.text
    assert "was called with the dead letter 'bad': it goes to the folder dead instead" in caplog.text
