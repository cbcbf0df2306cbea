"""A sink whose ``close`` hangs keeps no process from its end, and nobody who closes a delivery with a timeout."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pixelmw import Event
from pixelmw.delivery import Background, Spool
from pixelmw.delivery.base import Delivery
from tests.support.processes import event, start

_SINKS = """
import logging, sys, time
from pixelmw.delivery import Background, Spool, at_exit
from pixelmw.sinks.base import BatchSink
from tests.support.processes import event

at_exit.EXIT_TIMEOUT = 0.5

class Plain:
    def __call__(self, event):
        pass

    def close(self):
        time.sleep(1000)

class Batches(BatchSink):
    def write(self, events):
        pass

    def close(self, timeout=None):
        time.sleep(1000)

directory = sys.argv[1]
"""


@pytest.mark.parametrize(
    "made",
    [
        "Spool(directory, Plain())",
        "Spool(directory, Batches())",
        "Background(Plain())",
        "Background(Batches())",
        "Spool(directory, Background(Plain()))",
    ],
)
def test_a_process_ends_within_its_time_although_the_close_of_a_sink_hangs(tmp_path: Path, made: str) -> None:
    script = f'{_SINKS}\nmade = {made}\nmade(event("1"))\nprint(made.flush(20), flush=True)'
    process = start(script, tmp_path / "spool")
    output, errors = process.communicate(timeout=20)
    assert (output.split(), process.returncode) == (["True"], 0)
    assert "it is not waited for" in errors


def test_one_whose_close_has_hung_before_is_not_closed_again_at_the_end(tmp_path: Path) -> None:
    script = f'{_SINKS}\nmade = Background(Plain())\nmade(event("1"))\nmade.close(0.3)\nmade.close(0.3)'
    process = start(script, tmp_path)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 0
    assert errors.count("it is not waited for") == 1


class Hangs:
    """A sink whose ``close`` hangs until its gate is opened."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.threads: list[str] = []

    def __call__(self, event: Event) -> None:
        pass

    def close(self) -> None:
        self.threads.append(threading.current_thread().name)
        self.gate.wait(20)


@pytest.fixture
def hangs() -> Iterator[Hangs]:
    sink = Hangs()
    yield sink
    sink.gate.set()


@pytest.mark.parametrize("make", [lambda path, sink: Spool(path, sink), lambda path, sink: Background(sink)])
def test_close_returns_within_its_timeout_and_says_what_hangs(
    tmp_path: Path, hangs: Hangs, make: Callable[[Path, Hangs], Delivery], caplog: pytest.LogCaptureFixture
) -> None:
    delivery = make(tmp_path / "spool", hangs)
    delivery(event("1"))
    assert delivery.flush(20)
    started = time.monotonic()
    delivery.close(0.3)
    assert time.monotonic() - started < 5
    assert hangs.threads == ["pixelmw-close"]
    assert f"{delivery!r}: the close of {hangs!r} has not returned within 0." in caplog.text


def test_a_close_that_returns_is_waited_for_although_the_time_is_over(
    hangs: Hangs, caplog: pytest.LogCaptureFixture
) -> None:
    delivery = Background(hangs)
    delivery(event("1"))
    hangs.gate.set()
    delivery.close(0)
    assert hangs.threads
    assert "not waited for" not in caplog.text
