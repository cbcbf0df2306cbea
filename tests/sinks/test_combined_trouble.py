"""Many threads, forks and greenlets that use one fan_out or one fallback."""

from __future__ import annotations

import os
import threading
from collections import Counter
from pathlib import Path

from pixelmw import Event
from pixelmw.delivery import Retry, Spool
from pixelmw.sinks import BatchSink, Undeliverable, fallback, fan_out
from pixelmw.sinks.http import HTTP
from tests.support import http_server
from tests.support.forwarding import Batches
from tests.support.http_server import Answer, DataPlane
from tests.support.outages import Clock, Flapping, Pair, Stepping
from tests.support.processes import event, lines, run, store_from_threads

server = http_server.server


# --- threads ---


def test_of_sixteen_threads_whose_first_sink_comes_and_goes_each_event_is_stored_once() -> None:
    first, second = Flapping(), Batches()
    told = store_from_threads(fallback(first, second, clock=Stepping()))
    assert sorted(first.stored + second.stored) == told
    assert len(first.stored) > 50
    assert len(second.stored) > 50


def test_of_sixteen_threads_with_one_guilty_event_in_each_all_others_are_in_all_sinks() -> None:
    class Careful(Batches):
        def __call__(self, event: Event) -> None:
            if event["messageId"].endswith("-7"):
                raise Undeliverable("seven")
            self.stored.append(event["messageId"])

    first, second = Careful(), Batches()
    both = fan_out(first, second)
    refused: list[str] = []

    def put(event: Event) -> None:
        try:
            both(event)
        except Undeliverable:
            refused.append(event["messageId"])

    all_ids = store_from_threads(put)
    assert sorted(refused) == sorted(f"{thread}-7" for thread in range(16))
    assert sorted(second.stored) == all_ids
    assert sorted(first.stored) == sorted({*all_ids} - {*refused})


def visitors(sink: BatchSink, prefix: str) -> list[Exception]:
    """64 threads that each hand in five events at the same time; returns what they were told but yes."""
    errors: list[Exception] = []
    start = threading.Barrier(64)

    def visit(thread: int) -> None:
        start.wait(30)
        for number in range(5):
            try:
                sink(event(f"{prefix}-{thread}-{number}"))
            except Exception as error:
                errors.append(error)

    threads = [threading.Thread(target=visit, args=[number]) for number in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not [thread for thread in threads if thread.is_alive()]
    return errors


def test_of_64_visitors_none_touches_a_destination_that_hangs_after_the_first_time_out(
    server: DataPlane, tmp_path: Path
) -> None:
    server.script = [Answer(manner="hang")] * 1000
    clock = Clock()
    store = HTTP(server.url, http_server.KEY, timeout=0.3)
    with Spool(tmp_path / "spool", HTTP(server.url, http_server.KEY, timeout=0.3), retry=Retry(first=30.0)) as spool:
        sink = fallback(store, spool, clock=clock)
        sink(event("finds out"))
        tried = len(server.requests)
        assert visitors(sink, "a") == []
        clock.now += 1
        assert visitors(sink, "b") == []
        assert spool.stats()["stored"] == 1 + 2 * 64 * 5
        assert len(server.requests) - tried <= 1 + 2  # the probe; and two tries of the spool's own


# --- fork ---


def test_a_child_begins_with_nothing_and_its_parent_remembers(tmp_path: Path) -> None:
    pair = Pair()
    pair.first.error = ConnectionError()
    pair.put("finds out")
    pair.clock.now += 1
    with pair.on_its_way("probe"):
        pid = os.fork()
        if pid == 0:
            pair.first.error = None
            pair.put("child")
            os._exit(0 if pair.first.stored == ["child"] else 1)
        pair.put("parent")
        assert os.waitpid(pid, 0)[1] == 0
    assert pair.second.stored == ["finds out", "parent", "probe"]


_FORK = """
import os, sys, threading
from pixelmw.sinks import JSONLines, fallback, fan_out
from tests.support.processes import event
number = 0
lock = threading.Lock()

def first(event):
    global number
    with lock:
        number += 1
        is_down = number % 5 > 2
    if is_down:
        raise ConnectionError
    file(event)

file, copy = JSONLines(sys.argv[1]), JSONLines(sys.argv[2])
sink = fan_out(copy, fallback(first, file, clock=lambda: number))
done = threading.Event()

def store(message_id):
    sink(event(message_id))
    os.write(1, message_id.encode() + b"\\n")

def write(thread):
    count = 0
    while not done.is_set() or count < 20:
        store(f"thread-{thread}-{count}")
        count += 1

threads = [threading.Thread(target=write, args=[thread]) for thread in range(4)]
for thread in threads:
    thread.start()
for fork in range(10):
    pid = os.fork()
    if pid == 0:
        lock = threading.Lock()
        for count in range(5):
            store(f"child-{fork}-{count}")
        os._exit(0)
    store(f"parent-{fork}")
    assert os.waitpid(pid, 0)[1] == 0
done.set()
for thread in threads:
    thread.join()
"""


def test_forks_while_threads_store_lose_nothing_and_store_nothing_twice(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    told = run(_FORK, one, other)
    assert sum(name.startswith("child-") for name in told) == 50
    for path in (one, other):
        assert Counter(line["messageId"] for line in lines(path)) == Counter(told)


# --- gevent ---

_GEVENT = """
from gevent import monkey
monkey.patch_all()
import sys, time
import gevent
from pixelmw.sinks import JSONLines, fallback, fan_out
from tests.support.outages import Clock
from tests.support.processes import event

def hangs(event):
    tried.append(event["messageId"])
    time.sleep(20)

tried, stored, clock = [], [], Clock()
sink = fallback(hangs, fan_out(stored.append, JSONLines(sys.argv[1])), clock=clock)

def put(name, seconds=5):
    with gevent.Timeout(seconds, TimeoutError if seconds < 1 else None):
        sink(event(name))

first = gevent.spawn(put, "finds out", 0.05)
first.join()
gevent.joinall([gevent.spawn(put, f"{number}") for number in range(50)], raise_error=True)
print(len(stored), *tried)
"""


def test_with_gevent_a_greenlet_that_is_ended_leaves_the_probe_to_another_one_and_none_waits(tmp_path: Path) -> None:
    script = """
def visit(name):
    sink(event(name))

clock.now += 1
probe = gevent.spawn(visit, "killed")
gevent.sleep(0.01)
gevent.joinall([gevent.spawn(visit, f"b{number}") for number in range(50)], raise_error=True)
probe.kill()
next_probe = gevent.spawn(visit, "next")
gevent.sleep(0.01)
next_probe.kill()
print(len(stored), *tried)
"""
    said = run(_GEVENT + script, tmp_path / "file")
    assert said == ["51", "finds", "out", "101", "finds", "out", "killed", "next"]
    assert len(lines(tmp_path / "file")) == 101
