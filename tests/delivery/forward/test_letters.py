"""The forwarder, step by step: dead letters, also where they cannot be stored, and what is no Exception."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import Callable

import pytest

from pixelmw import Event
from pixelmw.delivery import Retry
from pixelmw.delivery.forward import Forwarder
from pixelmw.sinks.base import Undeliverable
from tests.support.forwarding import Batches, Bench, Calls, always, ids, poison

REFUSED = poison("bad", error=Undeliverable)


class Letters:
    """A sink for dead letters that fails while it is told to."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error
        self.calls = 0
        self.stored: list[str] = []

    def __call__(self, event: Event) -> None:
        self.calls += 1
        if self.error is not None:
            raise self.error
        self.stored.append(event["messageId"])


def on_a_thread(act: Callable[[], object]) -> None:
    """Run *act* on a thread, and fail where it did not come to its end."""
    ended: list[bool] = []

    def run() -> None:
        act()
        ended.append(True)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(20)
    assert ended


@pytest.mark.parametrize("kind", [Batches, Calls])
def test_a_dead_letter_that_cannot_be_stored_stays_and_holds_up_nobody(kind: type[Calls]) -> None:
    letters = Letters(OSError(28, "no space left"))
    bench = Bench(kind(REFUSED), ["e0", "bad", "e1"], dead_letter=letters)
    bench.until(lambda: bench.sink.stored == ["e0", "e1"])
    pauses = bench.steps(30)
    assert min(pauses) > 0
    assert sum(pauses) > 30
    assert (len(bench.forwarder), bench.forwarder.counts["dead"]) == (1, 0)
    assert "bad" not in bench.done
    bench.queue(ids(2, "later"))
    bench.steps(1)
    assert bench.sink.stored == ["e0", "e1", "later0", "later1"]
    letters.error = None
    bench.finish()
    assert letters.stored == ["bad"]
    assert (bench.done.count("bad"), bench.forwarder.counts["dead"]) == (1, 1)
    # It was tried once to be delivered, and not again for each time that it could not be stored.
    assert Counter(each for call in bench.sink.calls for each in call)["bad"] <= 3


def test_forwarding_stops_where_too_many_dead_letters_cannot_be_stored(caplog: pytest.LogCaptureFixture) -> None:
    """They are in memory, and a spool on disk may hold any number of them."""
    letters = Letters(RuntimeError("full"))
    bad = [each for each in ids(1000) if not each.endswith("7")]
    bench = Bench(Calls(poison(*bad, error=Undeliverable)), ids(1000), dead_letter=letters, max_batch=10)
    bench.steps(500)
    assert 850 < len(bench.forwarder.pending) < 950
    assert len(bench.forwarder) == 1000 - len(bench.sink.stored)
    assert min(bench.steps(10)) > 0
    assert letters.calls <= 510
    assert len([record for record in caplog.records if "dead letter was not stored" in record.message]) == 1
    letters.error = None
    bench.finish()
    assert letters.stored == bad


def test_without_a_sink_for_dead_letters_they_are_logged_and_gone(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(Batches(REFUSED), ["bad"], dead_letter=None)
    bench.finish()
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "does not take the event 'bad' and is lost, since there is no dead_letter" in record.message
    assert "Undeliverable('poison')" in record.message
    assert (bench.done, bench.forwarder.counts["dead"]) == (["bad"], 1)


def test_a_sink_that_is_down_is_logged_once_and_not_at_each_try(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(Batches(always(ConnectionError)), ids(7))
    bench.steps(50)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "failed: ConnectionError('down'); 7 or more events wait" in record.message


# --- what is no Exception ---


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, asyncio.CancelledError, GeneratorExit])
@pytest.mark.parametrize("kind", [Batches, Calls])
def test_on_a_thread_nothing_that_a_sink_raises_ends_more_than_the_call(
    kind: type[Calls], error: type[BaseException]
) -> None:
    letters = Letters(error("not even here"))
    bench = Bench(kind(poison("bad", error=error)), ["bad", *ids(20)], dead_letter=letters, max_batch=4)
    on_a_thread(lambda: bench.until(lambda: len(bench.sink.stored) == 20))
    bench.queue(ids(100, "later"))
    on_a_thread(lambda: bench.until(lambda: letters.calls > 1))
    letters.error = None
    on_a_thread(bench.finish)
    assert letters.stored == ["bad"]
    assert Counter(bench.sink.stored) == Counter([*ids(20), *ids(100, "later")])
    assert Counter(bench.done) == Counter(["bad", *ids(20), *ids(100, "later")])


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
@pytest.mark.parametrize("kind", [Batches, Calls])
def test_the_main_thread_ends_as_it_is_told_to_and_no_event_is_lost(
    kind: type[Calls], error: type[BaseException]
) -> None:
    """Whether the sink is at the next event or at a suspect, or the dead letter is about to be stored."""
    letters = Letters(None)
    bench = Bench(kind(always(error)), ids(3), dead_letter=letters)
    with pytest.raises(error):
        bench.steps(1)
    bench.sink.fault = poison("e0")
    bench.until(lambda: len(bench.sink.stored) == 2)
    bench.sink.fault = always(error)
    with pytest.raises(error):
        bench.steps(1)
    letters.error = error("not now")
    bench.sink.fault = poison("e0", error=Undeliverable)
    with pytest.raises(error):
        bench.steps(1)
    assert len(bench.forwarder) == 1
    letters.error = None
    bench.finish()
    assert letters.stored == ["e0"]
    assert Counter(bench.done) == Counter(ids(3))


def test_a_retry_of_the_users_that_fails_loses_nothing() -> None:
    class Broken(Retry):
        def pause(self, failures: int, retry_after: float | None = None) -> float:
            raise ZeroDivisionError

    bench = Bench(Batches(always(ConnectionError)), ids(3), retry=Broken())
    for _ in range(5):
        with pytest.raises(ZeroDivisionError):
            bench.steps(1)
    bench.sink.fault = lambda batch: None
    bench.finish()
    assert bench.sink.stored == bench.done == ids(3)


def test_a_forwarder_with_nothing_to_do_does_nothing() -> None:
    sink = Batches()
    forwarder = Forwarder(sink, retry=Retry(), dead_letter=None, on_done=lambda items: None, max_batch=5)
    assert len(forwarder) == 0
    assert forwarder.step() >= 0
    assert sink.calls == []
