"""Several threads, processes and forks on one file of lines, which may be renamed meanwhile."""

from __future__ import annotations

from pathlib import Path
from subprocess import Popen

import pytest

from tests.support.processes import finish, out, run, start, stored, wait_until


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


_WRITE = """
import sys, threading
from pathlib import Path
from pixelmw.sinks import JSONLines
from tests.support.processes import event, wait_until

path, name, threads, count, turn = Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:])
sink = JSONLines(path, sync=False, timeout=30)

def write(thread):
    for number in range(count):
        if turn and number and number % turn == 0:  # the file has had another name for each turn that is over
            wait_until(path.with_name(f"events-{number // turn}.jsonl").exists)
        sink(event(f"{name}-{thread}-{number}", 9000 if number % 10 == 0 else 50))

print("ready", flush=True)
input()
workers = [threading.Thread(target=write, args=(thread,)) for thread in range(threads)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
"""
WRITERS, THREADS, COUNT = 4, 4, 100
ALL = {f"{name}-{thread}-{number}" for name in range(WRITERS) for thread in range(THREADS) for number in range(COUNT)}


def start_writers(path: Path, turn: int = 0) -> list[Popen[str]]:
    """Start the writers.

    :param turn: how many events a thread writes before it waits for the file to be renamed.
    """
    writers = [start(_WRITE, path, name, THREADS, COUNT, turn) for name in range(WRITERS)]
    for writer in writers:
        assert out(writer).readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    return writers


@pytest.mark.slow
def test_processes_and_threads_share_a_file_and_no_line_is_torn_or_lost(path: Path) -> None:
    for writer in start_writers(path):
        finish(writer)
    found = stored(path)
    assert len(found) == len(ALL)
    assert set(found) == ALL


@pytest.mark.slow
def test_a_file_that_is_rotated_while_processes_write_loses_nothing(path: Path) -> None:
    writers = start_writers(path, turn=10)
    for number in range(1, COUNT // 10):
        wait_until(path.exists)
        path.rename(path.with_name(f"events-{number}.jsonl"))
    for writer in writers:
        finish(writer)
    files = list(path.parent.glob("events*.jsonl"))
    assert len(files) > 3
    found = [message_id for file in files for message_id in stored(file)]
    assert len(found) == len(ALL)
    assert set(found) == ALL


_FORK = """
import os, signal, sys, threading, warnings
from pixelmw.sinks import JSONLines
from tests.support.processes import event

warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 and later, on a fork beside threads
signal.alarm(30)
sink = JSONLines(sys.argv[1])
done = threading.Event()

def store(message_id):
    sink(event(message_id))
    os.write(1, message_id.encode() + b"\\n")

def write():
    number = 0
    while not done.is_set() or number < 20:
        store(f"thread-{number}")
        number += 1

threads = [threading.Thread(target=write)]
threads[0].start()
for fork in range(20):
    pid = os.fork()
    if pid == 0:
        for number in range(5):
            store(f"child-{fork}-{number}")
        os._exit(0)
    store(f"parent-{fork}")
    assert os.waitpid(pid, 0)[1] == 0
done.set()
threads[0].join()
"""


def test_a_process_that_forks_while_a_thread_writes_goes_on_writing_and_so_does_its_child(path: Path) -> None:
    acknowledged = run(_FORK, path)
    assert sum(name.startswith("child-") for name in acknowledged) == 100
    assert sorted(stored(path)) == sorted(acknowledged)
