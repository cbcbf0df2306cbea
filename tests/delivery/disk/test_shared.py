"""Several processes on one directory: one forwards at a time, the others take over, and closing takes nothing away."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from pixelmw import Event
from pixelmw.delivery import Spool
from tests.support.processes import event, lines, out, start, wait_until
from tests.support.spools import report, scale

_SHARE = """
import itertools, os, sys
from contextlib import suppress
from pathlib import Path
from pixelmw.delivery import Spool
from pixelmw.sinks import JSONLines
from tests.support.processes import event

directory, name, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
store = JSONLines(directory / "forwarded.jsonl", sync=False)

def sink(event):
    os.close(os.open(directory / "busy", os.O_CREAT | os.O_EXCL))  # fails where another is at it
    store({**event, "by": name})
    os.unlink(directory / "busy")

spool = Spool(directory / "spool", sink)
print("ready", flush=True)
input()
for number in range(count):
    spool(event(f"{name}-{number}"))
    os.write(1, f"{name}-{number}\\n".encode())
spool.flush(60)
input()
os._exit(0)
"""


def test_of_processes_that_share_a_directory_one_forwards_at_a_time_and_each_event_once(tmp_path: Path) -> None:
    names = ["a", "b", "c"]
    processes = [start(_SHARE, tmp_path, name, 150) for name in names]
    for process in processes:
        assert out(process).readline() == "ready\n"
    assert [process.communicate("\n\n", timeout=60)[1] for process in processes] == [""] * 3
    found = lines(tmp_path / "forwarded.jsonl")
    assert sorted(each["messageId"] for each in found) == sorted(f"{n}-{i}" for n in names for i in range(150))
    for name in names:
        own = [each["messageId"] for each in found if each["messageId"].startswith(name)]
        assert own == [f"{name}-{number}" for number in range(150)]


@pytest.mark.slow
def test_the_others_take_over_from_one_that_is_killed_while_it_forwards(tmp_path: Path) -> None:
    with start(_SHARE, tmp_path, "victim", 1_000_000) as victim, start(_SHARE, tmp_path, "heir", 1000) as heir:
        acknowledged = []
        for process in (victim, heir):
            assert out(process).readline() == "ready\n"
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
            acknowledged.append(out(process).readline().strip())
        store = tmp_path / "forwarded.jsonl"
        wait_until(lambda: store.exists() and b'"by":"victim"' in store.read_bytes())
        victim.kill()
        # What the sink did when it was killed is its own matter.
        acknowledged += out(victim).read().split()
        (tmp_path / "busy").unlink(missing_ok=True)
        acknowledged += heir.communicate("\n", timeout=60)[0].split()
    ids = [each["messageId"] for each in lines(store)]
    assert len(acknowledged) > 1000
    assert set(acknowledged) <= set(ids)
    report("a takeover", acknowledged=len(acknowledged), lost=0, duplicates=len(ids) - len(set(ids)))


@pytest.mark.slow
def test_a_spool_that_is_closed_while_threads_store_refuses_nothing_and_touches_no_others_file(tmp_path: Path) -> None:
    forwarded: list[Event] = []
    errors: list[Exception] = []
    spool = Spool(tmp_path / "spool", forwarded.append)
    ended = threading.Event()

    def store(thread: int) -> None:
        try:
            for number in range(scale(100, 2000)):
                spool(event(f"{thread}-{number}"))
        except Exception as error:
            errors.append(error)

    def open_files() -> None:
        while not ended.is_set():
            os.close(os.open(tmp_path / "other", os.O_RDWR | os.O_CREAT))

    threads = [threading.Thread(target=store, args=[thread]) for thread in range(4)]
    bystander = threading.Thread(target=open_files)
    bystander.start()
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        spool.close(0)
    ended.set()
    bystander.join()
    assert spool.flush(20)
    spool.close()
    assert errors == []
    assert (tmp_path / "other").read_bytes() == b""
    assert {each["messageId"] for each in forwarded} == {f"{t}-{n}" for t in range(4) for n in range(scale(100, 2000))}
