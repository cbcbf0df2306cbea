"""Greenlets that store at the same time store together, also in a sink that was used before gevent patched locks."""

from __future__ import annotations

import pytest

from tests.support.processes import run

pytest.importorskip("gevent")

_PREFACE = """
import os, signal, sys, threading, time
from pixelmw.sinks import BatchSink, Unavailable
from tests.support.processes import event

signal.alarm(40)

class Sink(BatchSink):
    def __init__(self):
        self.calls = []
    def write(self, events):
        self.calls.append([each["messageId"] for each in events])
        time.sleep(0.05)

sink = Sink()
sink(event("before"))
from gevent import monkey
monkey.patch_all()
import gevent
"""

_GREENLETS = """
jobs = [gevent.spawn(sink, event(f"g{number}")) for number in range(16)]
gevent.joinall(jobs, timeout=20)
assert all(job.successful() for job in jobs)
print(*map(len, sink.calls))
"""


def test_greenlets_share_a_write() -> None:
    assert run(_PREFACE + _GREENLETS) == ["1", "1", "15"]


_POOL = """
for turn in range(8):  # one in eight hung where they shared a lock
    jobs = [gevent.get_hub().threadpool.spawn(sink, event(f"p{turn}-{number}")) for number in range(8)]
    jobs += [gevent.spawn(sink, event(f"g{turn}-{number}")) for number in range(8)]
    gevent.joinall(jobs, timeout=20)
    for job in jobs:
        job.get(timeout=20)
stored = [name for call in sink.calls for name in call]
print(len(stored), len(set(stored)))
"""


def test_threads_of_gevents_pool_and_greenlets_store_in_one_sink() -> None:
    assert run(_PREFACE + _POOL) == ["129", "129"]


_TIMEOUT = """
told = []

def visit(number):
    try:
        with gevent.Timeout(0.02 if number == 0 else None):
            sink(event(f"g{number}"))
        told.append("stored")
    except gevent.Timeout:
        told.append("timeout")
    except Unavailable:
        told.append("unavailable")

sink(event("first"))
holding = gevent.spawn(sink, event("holding"))
gevent.sleep(0.04)
jobs = [gevent.spawn(visit, number) for number in range(4)]
gevent.joinall([holding, *jobs], timeout=20)
print(*sorted(told))
"""


def test_a_timeout_that_ends_the_greenlet_that_stores_is_unavailable_for_the_others() -> None:
    assert run(_PREFACE + _TIMEOUT) == ["timeout", "unavailable", "unavailable", "unavailable"]
