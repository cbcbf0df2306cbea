"""What waits is bounded by bytes as well as by number, and so is a batch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from pixelmw import Event
from pixelmw.delivery import Background, Full, Spool
from pixelmw.delivery.base import Delivery
from tests.support.forwarding import Batches, Gated, ids
from tests.support.pixel import Pixel
from tests.support.processes import event, finish, start
from tests.support.spools import fill

_KIB = 2**10


class Sizes(Batches):
    """A sink that notes the bytes of each batch that it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def write(self, events: Sequence[Event]) -> None:
        self.sizes.append(sum(len(json.dumps(each, separators=(",", ":"))) for each in events))
        super().write(events)


def test_a_queue_that_holds_its_bytes_refuses_and_takes_again_what_there_is_room_for() -> None:
    sink = Gated()
    with Background(sink, max_bytes=100 * _KIB, max_delay=0) as queue:
        try:
            for number in range(9):
                queue(event(str(number), size=10 * _KIB))
            with pytest.raises(Full, match=r"the queue holds 9 events of \d+ bytes and is full"):
                queue(event("9", size=10 * _KIB))
            assert 9 * 10 * _KIB < queue.stats()["queued_bytes"] <= 100 * _KIB
            queue(event("small"))
        finally:
            sink.gate.set()
        assert queue.flush(20)
        assert queue.stats()["queued_bytes"] == 0
        queue(event("later", size=10 * _KIB))
        assert queue.flush(20)
    assert sink.stored == [*map(str, range(9)), "small", "later"]


def test_a_request_that_finds_no_bytes_left_is_answered_503() -> None:
    with Background(print, max_bytes=100) as queue:
        answer = Pixel(sink=queue).get("/pixel/v1/track", "writeKey=k&anonymousId=a&event=e")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize("kind", ["Background", "Spool", "the next process of a Spool"])
def test_a_batch_holds_at_most_a_mebibyte_of_text_and_at_least_most_of_one(tmp_path: Path, kind: str) -> None:
    sink = Sizes()
    delivery: Delivery = Background(sink, max_delay=1000) if kind == "Background" else Spool(tmp_path / "spool", sink)
    with delivery:
        events = [event(each, size=10 * _KIB) for each in ids(300)]
        if kind == "the next process of a Spool":
            with Spool(tmp_path / "spool", Gated()) as before:
                before.write(events)
                before.close(0)
        else:
            delivery.write(events)
        assert delivery.flush(20)
    assert sink.stored == ids(300)
    assert max(sink.sizes) <= 2**20
    assert len(sink.sizes) <= 4


def test_events_that_are_larger_than_a_batch_are_forwarded_all_the_same(tmp_path: Path) -> None:
    for delivery in (Background(sink := Sizes()), Spool(tmp_path / "spool", sink)):
        sink.stored.clear()
        with delivery:
            delivery.write([event(each, size=2 * 2**20) for each in ids(3)])
            assert delivery.flush(20)
        assert sink.stored == ids(3)


def test_a_spool_hands_over_at_most_max_batch_events_at_once(tmp_path: Path) -> None:
    fill(tmp_path / "spool", ids(12))
    sink = Batches()
    with Spool(tmp_path / "spool", sink, max_batch=5) as spool:
        assert spool.flush(20)
    assert [len(call) for call in sink.calls] == [5, 5, 2]
    with pytest.raises(ValueError, match="max_batch is 0: give at least 1"):
        Spool(tmp_path / "spool", sink, max_batch=0)


_TEN_THOUSAND = """
import json, re, sys, threading
from pixelmw.delivery import Background

# 40 bytes of text for each of 250 parameters, nested as those with dots in their names are
properties = {f"p{parameter:03}": {"a": {"b": f"value-{parameter:014}"}} for parameter in range(250)}

def an_event(number):
    return {"messageId": f"{number:010}", "type": "track", "event": "e", "properties": properties}

entered, gate = threading.Event(), threading.Event()

def peak():  # in KiB; ru_maxrss begins with that of the process that started this one
    return re.search("VmHWM:\\s+([0-9]+) kB", open("/proc/self/status").read())[1]

class Slow:
    lanes = 1
    def __call__(self, event): raise AssertionError
    def write(self, events):
        entered.set()
        gate.wait()

queue = Background(Slow(), max_bytes=128 * 2**20)
size = len(json.dumps(an_event(0), separators=(",", ":")))
for number in range(10_000):
    queue(an_event(number))
entered.wait()
print(size, queue.stats()["queued"], queue.stats()["queued_bytes"], peak())
gate.set()
assert queue.flush(90)
print(peak())
"""


@pytest.mark.slow
def test_ten_thousand_events_of_ten_kilobytes_take_at_most_two_hundred_mebibytes() -> None:
    size, queued, queued_bytes, waiting, at_most = map(int, finish(start(_TEN_THOUSAND), timeout=120))
    assert 9_000 < size < 11_000
    assert queued == 10_000
    assert queued * size < queued_bytes <= 128 * 2**20
    assert max(waiting, at_most) <= 200 * 1024  # kilobytes
