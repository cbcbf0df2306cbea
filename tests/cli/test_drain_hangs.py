"""``drain`` ends in its time whatever hangs, says what it waited for, and leaves in the spool what is not forwarded."""

from __future__ import annotations

import fcntl
import importlib
import json
import re
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pixelmw.cli import forwarding
from tests.support.command_line import TIMEOUT, run_here, started
from tests.support.processes import stored, wait_until
from tests.support.spools import fill, waiting

# Seconds in which a drain comes to its calls, on a busy machine, too.
IN_TIME = "--timeout=1"

# A module of a user's, whose calls hang until the gate is opened.
_MODULE = """
import os, threading, time
from pixelmw.sinks import JSONLines
from pixelmw.sinks.base import BatchSink, Undeliverable
from pixelmw.delivery import Spool

gate = threading.Event()
entered = threading.Event()
good = JSONLines("out.jsonl")

def hang():
    entered.set()
    open("entered", "w").close()
    gate.wait(60)

def plain(event):
    if event["messageId"] in ("e2", "e3"):
        hang()
    good(event)

class Batches(BatchSink):
    def write(self, events):
        hang()
        good.write(events)

    def close(self, timeout=None):
        print("closed")

class Impatient(Batches):
    timeout = 0.05

class ClosesNever(BatchSink):
    def write(self, events):
        good.write(events)

    def close(self):
        hang()

class FailsToClose(BatchSink):
    def write(self, events):
        good.write(events)

    def close(self):
        raise error

error = RuntimeError("the last ones did not arrive")

def refuse(event):
    raise Undeliverable("never")

def undertaker(event):
    hang()

batches, impatient, closes_never, fails_to_close = Batches(), Impatient(), ClosesNever(), FailsToClose()
with_letters = Spool("spool", refuse, dead_letter=undertaker)

def leaves_a_thread(event):
    good(event)
    threading.Thread(target=time.sleep, args=[60]).start()

def __getattr__(name):
    if name == "loads_never":
        hang()
    raise AttributeError(name)
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current directory, with the module and a spool of four events in it. In the end, nothing hangs any more."""
    (tmp_path / "hanging_shop.py").write_text(_MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delitem(sys.modules, "hanging_shop", raising=False)
    monkeypatch.setattr(forwarding, "PATIENCE", 0.05)
    fill(tmp_path / "spool", [f"e{number}" for number in range(4)])
    before = {*threading.enumerate()}
    yield tmp_path
    importlib.import_module("hanging_shop").gate.set()
    for thread in {*threading.enumerate()} - before:
        if thread.name == "pixelmw-drain":
            thread.join(TIMEOUT)
            assert not thread.is_alive()


@pytest.mark.parametrize(
    ("sink", "named", "forwarded"),
    [
        ("plain", "<function plain at 0x", 2),
        ("batches", "<hanging_shop.Batches object at 0x", 0),
        ("with_letters", "<function undertaker at 0x", 0),
    ],
)
@pytest.mark.parametrize("follow", [False, True], ids=["once", "follow"])
def test_a_call_that_hangs_is_given_up_and_what_is_left_is_forwarded_once_by_the_next_drain(
    shop: Path, capsys: pytest.CaptureFixture[str], sink: str, named: str, forwarded: int, follow: bool
) -> None:
    options = [IN_TIME, *(["--follow"] if follow else [])]
    said = run_here(capsys, "drain", "spool", f"--sink=hanging_shop:{sink}", *options)
    assert said.code == 1
    line = said.out.splitlines()[-1]
    assert line.startswith(f"forwarded {forwarded} events in ")
    assert f"; gave up waiting for a call of {named}" in line
    assert re.search(r", which has lasted for \d+\.\d s; ", line)
    assert f"; {4 - forwarded} events are left" in line
    assert "closed" not in said.out
    said = run_here(capsys, "drain", "spool", "--sink=hanging_shop:good")
    assert (said.code, stored(shop / "out.jsonl")) == (0, ["e0", "e1", "e2", "e3"])


def test_a_call_that_comes_back_too_late_is_the_last_one_and_what_it_stored_is_not_sent_again(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_here(capsys, "drain", "spool", "--sink=hanging_shop:plain", IN_TIME).code == 1
    importlib.import_module("hanging_shop").gate.set()
    (thread,) = [each for each in threading.enumerate() if each.name == "pixelmw-drain"]
    thread.join(TIMEOUT)
    assert stored(shop / "out.jsonl") == ["e0", "e1", "e2"]
    assert run_here(capsys, "drain", "spool", "--sink=hanging_shop:good").code == 0
    assert stored(shop / "out.jsonl") == ["e0", "e1", "e2", "e3"]


def test_no_death_is_held_against_an_event_whose_call_was_given_up(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three deaths of a process while an event was alone in flight make a dead letter of it."""
    for _ in range(4):
        assert run_here(capsys, "drain", "spool", "--sink=hanging_shop:batches", IN_TIME).code == 1
    assert json.loads((shop / "spool" / "in-flight").read_text().splitlines()[0])["events"] == 0
    assert waiting(shop / "spool") == ["e0", "e1", "e2", "e3"]
    assert not (shop / "spool" / "dead").exists()


def test_a_sink_whose_close_hangs_is_left_open_and_told_of(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = run_here(capsys, "drain", "spool", "--sink=hanging_shop:closes_never", IN_TIME)
    assert said.code == 0
    assert said.out.endswith("; nothing is left\n")
    assert re.fullmatch(
        r"pixelmw: <hanging_shop\.ClosesNever object at 0x\w+> could not be closed within \d s\n", said.err
    )


def test_a_sink_that_is_in_a_call_that_was_given_up_is_left_open_and_told_of(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_here(capsys, "drain", "spool", "--sink=hanging_shop:impatient", IN_TIME).code == 1
    fill(shop / "another", ["e4"])
    assert run_here(capsys, "drain", "another", "--sink=hanging_shop:good").code == 0
    said = run_here(capsys, "drain", "another", "--sink=hanging_shop:impatient")
    assert (said.code, said.out.endswith("; nothing is left\n")) == (0, True)
    assert said.err.endswith("could not be closed since it is in a call that has not ended\n")


@pytest.mark.parametrize("error", [RuntimeError, OSError, ConnectionError], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("options", [[], ["--timeout=20"]], ids=["unlimited", "in time"])
def test_a_sink_whose_close_fails_is_told_of_and_drain_ends_with_1(
    shop: Path, capsys: pytest.CaptureFixture[str], error: type[Exception], options: list[str]
) -> None:
    module: Any = importlib.import_module("hanging_shop")
    module.error = error("the last ones did not arrive")
    said = run_here(capsys, "drain", "spool", "--sink=hanging_shop:fails_to_close", *options)
    assert said.code == 1
    assert said.out.endswith("; nothing is left\n")
    assert said.err.endswith(f"could not be closed: {error.__name__}: the last ones did not arrive\n")
    assert stored(shop / "out.jsonl") == ["e0", "e1", "e2", "e3"]
    assert run_here(capsys, "drain", "spool", "--sink=hanging_shop:good").code == 0  # nobody has the turn any more


def test_what_is_waited_for_between_two_tries_is_named(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "away_shop.py").write_text("def away(event):\n    raise ConnectionError('nobody there')\n")
    said = run_here(capsys, "drain", "spool", "--sink=away_shop:away", IN_TIME)
    assert said.code == 1
    assert "; gave up waiting for another try with <function away at 0x" in said.out
    assert said.out.endswith("; 4 events are left\n")


def test_a_lock_that_another_process_keeps_is_named(
    shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forwarding, "PATIENCE", TIMEOUT)
    (segment,) = (shop / "spool").glob("*.segment")
    with segment.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        said = run_here(capsys, "drain", "spool", "--sink=hanging_shop:good", IN_TIME)
    assert said.code == 1
    waits = "; gave up waiting for another process, which holds the lock of a segment or copies one"
    assert f"{waits}; 4 events are left" in said.out


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_drain_that_is_stopped_while_a_call_hangs_ends(shop: Path, stop: signal.Signals) -> None:
    with started(shop, "drain", "spool", "--sink=hanging_shop:plain") as process:
        wait_until((shop / "entered").exists, TIMEOUT)
        process.send_signal(stop)
        output, errors = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, errors) == (1, "")
    assert "gave up waiting for a call of <function plain" in output
    assert waiting(shop / "spool") == ["e0", "e1", "e2", "e3"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sink", "code", "told"),
    [
        ("plain", 1, "gave up waiting for a call of <function plain at 0x"),
        ("leaves_a_thread", 0, "; nothing is left"),
        ("loads_never", 1, "pixelmw: gave up after 1 s, while hanging_shop:loads_never was being loaded"),
    ],
)
def test_the_process_ends_whatever_goes_on_in_it(shop: Path, sink: str, code: int, told: str) -> None:
    with started(shop, "drain", "spool", f"--sink=hanging_shop:{sink}", IN_TIME) as process:
        output, errors = process.communicate(timeout=TIMEOUT)
    assert process.returncode == code
    assert told in output + errors
