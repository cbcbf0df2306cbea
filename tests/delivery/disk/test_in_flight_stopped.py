"""A process that is stopped in a call of the sink has not died of an event, and changes nothing once it runs on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from pixelmw import Event
from tests.support.forwarding import Batches
from tests.support.processes import out, start
from tests.support.spools import drainer, fill, step_to_the_end

# Stops itself in the call of the sink, or forks a child before that, and then ends.
_FORWARD = """
import os, signal, sys, time
from tests.support.spools import drainer
from pathlib import Path

def sink(event):
    print("calls", flush=True)
    if sys.argv[2] == "stops":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif os.fork():
        os.read(child_runs[0], 1)
        os.kill(os.getpid(), signal.SIGKILL)
    else:
        os.write(child_runs[1], b"x")
        time.sleep(60)

child_runs = os.pipe()

forwarding = drainer(Path(sys.argv[1]), sink)
forwarding.begin_turn()
forwarding.step()
print("went on", flush=True)
"""


@contextmanager
def forwarding(spool: Path, how: str) -> Iterator[subprocess.Popen[str]]:
    """A process that calls its sink."""
    with start(_FORWARD, spool, how) as process:
        try:
            assert out(process).readline() == "calls\n"
            os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def noted(spool: Path) -> dict[str, object]:
    """What the file says."""
    found: dict[str, object] = json.loads((spool / "in-flight").read_text().splitlines()[0])
    return found


@pytest.mark.slow
def test_however_many_processes_are_stopped_while_they_send_an_event_it_is_sent(tmp_path: Path) -> None:
    fill(tmp_path, ["slow"])
    letters: list[Event] = []
    sink = Batches()
    with ExitStack() as stopped:
        for _ in range(4):
            stopped.enter_context(forwarding(tmp_path, "stops"))
        last = drainer(tmp_path, sink, dead_letter=letters.append)
        last.begin_turn()
        assert last.in_flight.deaths == {}
        step_to_the_end(last)
    assert (sink.stored, letters) == (["slow"], [])


@pytest.mark.slow
def test_one_that_runs_on_changes_nothing_that_the_next_one_has_noted(tmp_path: Path) -> None:
    segment = fill(tmp_path, ["slow"])
    with forwarding(tmp_path, "stops") as first, forwarding(tmp_path, "stops"):
        assert noted(tmp_path)["alone"] == f"{segment.name}:0"
        first.send_signal(signal.SIGCONT)
        assert out(first).readline() == "went on\n"
        assert noted(tmp_path)["alone"] == f"{segment.name}:0"


def test_deaths_that_were_counted_stay_counted_when_a_process_is_stopped(tmp_path: Path) -> None:
    segment = fill(tmp_path, ["slow"])
    (tmp_path / "in-flight").write_text(json.dumps({"events": 0, "deaths": {f"{segment.name}:0": 2}}) + "\n")
    with forwarding(tmp_path, "stops"):
        last = drainer(tmp_path, print)
        last.begin_turn()
    assert last.in_flight.deaths == {f"{segment.name}:0": 2}


def test_a_process_that_left_a_child_has_died(tmp_path: Path) -> None:
    segment = fill(tmp_path, ["slow"])
    with forwarding(tmp_path, "forks"):
        last = drainer(tmp_path, print)
        last.begin_turn()
    assert last.in_flight.deaths == {f"{segment.name}:0": 1}
