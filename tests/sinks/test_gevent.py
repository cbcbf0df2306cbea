"""Under gevent, waiting for a file leaves other greenlets alone, and a greenlet may be ended while it waits."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import faults
from tests.support.processes import run, stored

both = pytest.mark.parametrize("name", ["events.db", "events.jsonl"])

_PREFACE = """
import signal, sys, time
from pathlib import Path
from tests.support.faults import open_sink
from tests.support.processes import event

signal.alarm(40)
path = Path(sys.argv[1])
sink = open_sink(path)  # as a preloading server does
sink.timeout = 20
from gevent import monkey
monkey.patch_all()
import gevent
sink(event("before"))

def ticks_beside(*calls):
    ticks, jobs = 0, [gevent.spawn(call) for call in calls]
    while not all(job.ready() for job in jobs):
        gevent.sleep(0.002)
        ticks += 1
    assert all(job.successful() for job in jobs), [job.exception for job in jobs]
    return ticks
"""

_SYNC = """
print(ticks_beside(lambda: sink(event("1"))) > 10)
"""


@pytest.mark.slow
@both
def test_a_slow_disk_stops_no_other_greenlet(tmp_path: Path, name: str) -> None:
    slow = ["-e", "trace=fdatasync", "-e", "inject=fdatasync:delay_enter=200000"]  # microseconds
    under = [faults.strace(), "-f", "--seccomp-bpf", "-qq", "-o", str(tmp_path / "trace"), *slow]
    assert run(_PREFACE + _SYNC, tmp_path / name, under=under) == ["True"]
    assert stored(tmp_path / name) == ["before", "1"]


_LOCKED = """
from tests.support import faults

with faults.locked(path.parent, path.name) as (_, lasting):
    lock = lasting()
    lock.__enter__()

def unlock():
    gevent.sleep(0.2)
    lock.__exit__(None, None, None)

print(ticks_beside(*[lambda number=number: sink(event(f"{number}")) for number in range(5)], unlock) > 10)
"""


@both
def test_a_locked_file_stops_no_other_greenlet_and_all_who_waited_are_stored(tmp_path: Path, name: str) -> None:
    assert run(_PREFACE + _LOCKED, tmp_path / name) == ["True"]
    assert sorted(stored(tmp_path / name)) == ["0", "1", "2", "3", "4", "before"]


_ENDED = """
from tests.support import faults

with faults.locked(path.parent, path.name) as (_, lasting), lasting():
    ended = gevent.spawn(sink, event("ended"))
    gevent.sleep(0.05)
    began = time.monotonic()
    ended.kill()
    print(time.monotonic() - began < 5)  # of the 20 seconds that it would have waited
for number in range(3):
    sink(event(f"{number}"))
"""


@both
def test_a_greenlet_that_is_ended_while_it_waits_stores_nothing_and_spoils_nothing(tmp_path: Path, name: str) -> None:
    assert run(_PREFACE + _ENDED, tmp_path / name) == ["True"]
    assert stored(tmp_path / name) == ["before", "0", "1", "2"]
