"""Events that keep coming gather into batches: a sink is not called for each of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from pixelmw.cli.forwarding import Forwarding
from pixelmw.delivery import Background, Spool, worker
from pixelmw.delivery.base import Delivery
from pixelmw.delivery.disk.directory import SpoolDirectory
from pixelmw.delivery.disk.drain_lock import DrainLock
from pixelmw.delivery.disk.journal import Journal
from pixelmw.delivery.disk.turns import GATHER
from tests.support.forwarding import Batches
from tests.support.processes import event, wait_until
from tests.support.spools import drainer, fill, payloads

MAX_DELAY = 0.2


@pytest.mark.parametrize(
    ("make", "gather"),
    [
        (lambda directory, sink: Background(sink, max_delay=MAX_DELAY), MAX_DELAY),
        (lambda directory, sink: Spool(directory / "spool", sink), GATHER),
    ],
    ids=["Background", "Spool"],
)
def test_events_that_keep_coming_share_batches(
    tmp_path: Path, make: Callable[[Path, Batches], Delivery], gather: float
) -> None:
    sink = Batches(lambda ids: time.sleep(0.01))  # others come during a call
    with make(tmp_path, sink) as delivery:
        began = time.monotonic()
        for number in range(400):  # fewer than are handed over at once
            delivery(event(str(number)))
            time.sleep(0.002)
        calls, lasted = len(sink.calls), time.monotonic() - began
        assert delivery.flush(30)
    # The first events may come while the thread is about to look; from then on, a call takes what has gathered.
    assert calls <= lasted / gather + 2


def test_events_that_keep_coming_share_batches_also_where_drain_follows(tmp_path: Path) -> None:
    sink = Batches(lambda ids: time.sleep(0.01))
    writing = tmp_path / "spool"
    fill(writing, ["first"])
    lock = DrainLock(SpoolDirectory(writing))
    assert lock.try_take()
    forwarding = Forwarding(
        drainer(writing, sink),
        lock,
        follow=True,
        deadline=time.monotonic() + 1.0,
        checks=[],
        draw=lambda done: None,
    )
    thread = threading.Thread(target=forwarding.run)
    began = time.monotonic()
    thread.start()
    number = 0
    with closing(Journal(SpoolDirectory(writing), sync=False)) as journal:
        while thread.is_alive():
            journal.append(payloads([str(number)]))
            time.sleep(0.002)
            number += 1
    lock.close()
    assert len(sink.calls) <= (time.monotonic() - began) / GATHER + 2
    assert len(sink.stored) > 1


def test_a_queue_that_is_full_again_and_again_waits_for_nothing() -> None:
    sink = Batches()
    with Background(sink, max_batch=5, max_delay=1000) as background:
        for number in range(50):
            background(event(str(number)))
        wait_until(lambda: len(sink.stored) == 50)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let threads that have nothing to do look so often whether there is something."""
    return lambda seconds: monkeypatch.setattr(worker, "LOOK", seconds)


def test_events_gather_longer_than_the_thread_leaves_between_two_looks(looks: Callable[[float], None]) -> None:
    looks(0.02)
    sink = Batches()
    with Background(sink, max_delay=1000) as background:
        for number in range(5):
            background(event(str(number)))
            time.sleep(0.1)
        assert sink.calls == []
        assert background.flush(30)
    assert sink.calls == [[str(number) for number in range(5)]]


def test_flush_waits_for_no_batch_to_be_full_also_where_there_are_several(looks: Callable[[float], None]) -> None:
    looks(1000)
    sink = Batches()
    with Background(sink, max_batch=5, max_delay=1000) as background:
        background.write([event(str(number)) for number in range(12)])
        assert background.flush(30)
        assert len(sink.stored) == 12
