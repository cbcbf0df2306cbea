"""Background in one process: what it takes, the batches that the sink gets, flush and close."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator

import pytest

from pixelmw import Event
from pixelmw.delivery import Background, Retry
from pixelmw.sinks.base import Unavailable
from tests.support.forwarding import Batches, Calls, Gated, always, ids, put
from tests.support.processes import event, store_from_threads, wait_until


@pytest.fixture
def gated() -> Iterator[Gated]:
    sink = Gated()
    yield sink
    sink.gate.set()


def threads() -> set[threading.Thread]:
    """The threads that forward, also those of other tests."""
    return {thread for thread in threading.enumerate() if thread.name == "pixelmw-background"}


def test_it_returns_before_the_sink_has_the_event(gated: Gated) -> None:
    with Background(gated, max_delay=0) as sink:
        sink(event("1"))
        assert gated.entered.wait(20)
        sink(event("2"))
        assert (gated.stored, sink.stats()["queued"]) == ([], 2)
        gated.gate.set()
    assert gated.stored == ["1", "2"]


def test_events_arrive_in_order_and_in_batches_of_at_most_max_batch(gated: Gated) -> None:
    with Background(gated, max_batch=5, max_delay=0) as sink:
        put(sink, ids(1))
        assert gated.entered.wait(20)
        put(sink, ids(12, "later"))
        gated.gate.set()
    assert gated.stored == [*ids(1), *ids(12, "later")]
    assert [len(call) for call in gated.calls] == [1, 5, 5, 2]


def test_a_full_batch_does_not_wait_for_others() -> None:
    sink = Batches()
    with Background(sink, max_batch=3, max_delay=1000) as background:
        put(background, ids(3))
        wait_until(lambda: sink.stored == ids(3))
        assert sink.calls == [ids(3)]


def test_an_event_waits_for_others_as_long_as_max_delay_and_no_longer() -> None:
    called: list[float] = []
    with Background(lambda event: called.append(time.monotonic()), max_delay=0.1) as sink:
        before = time.monotonic()
        put(sink, ids(3))
        wait_until(lambda: len(called) == 3)
    assert called[0] - before >= 0.1


def test_an_event_without_a_message_id_gets_one_and_the_callers_dict_is_untouched() -> None:
    events: list[Event] = []
    given: list[Event] = [{"event": "e"}, {"event": "e", "messageId": ""}, {"event": "e", "messageId": "mine"}]
    with Background(events.append) as sink:
        sink.write(given)
    assert given == [{"event": "e"}, {"event": "e", "messageId": ""}, {"event": "e", "messageId": "mine"}]
    first, second, third = (each["messageId"] for each in events)
    assert len(first) == len(second) == 36
    assert first != second
    assert third == "mine"


def test_many_threads_share_one_queue() -> None:
    sink = Batches()
    with Background(sink) as background:
        sent = store_from_threads(background)
        assert background.flush(20)
        assert background.stats()["stored"] == background.stats()["forwarded"] == 400
    assert sorted(sink.stored) == sent
    for thread in range(16):
        own = [each for each in sink.stored if each.startswith(f"{thread}-")]
        assert own == [f"{thread}-{number}" for number in range(25)]


def test_stats_tell_what_waits_and_for_how_long(gated: Gated) -> None:
    with Background(gated, max_delay=0) as sink:
        assert sink.stats() == dict.fromkeys(
            ("queued", "queued_bytes", "stored", "oldest", "forwarded", "retried", "dropped", "dead"), 0
        )
        put(sink, ids(3))
        wait_until(lambda: sink.stats()["oldest"] > 0.01)
        assert (sink.stats()["queued"], sink.stats()["forwarded"]) == (3, 0)
        gated.gate.set()
        assert sink.flush(20)
        assert sink.stats() == {
            "queued": 0, "queued_bytes": 0, "stored": 3, "oldest": 0, "forwarded": 3, "retried": 0, "dropped": 0,
            "dead": 0,
        }  # fmt: skip


# --- flush and close ---


def test_flush_does_not_wait_for_max_delay_and_tells_that_all_has_arrived() -> None:
    sink = Batches()
    with Background(sink, max_delay=1000) as background:
        assert background.flush(0)
        put(background, ids(3))
        assert background.flush(20)
        assert sink.calls == [ids(3)]
        assert background.flush(0)


def test_flush_tells_that_something_has_not_arrived_in_time(gated: Gated) -> None:
    with Background(gated) as sink:
        sink(event("1"))
        assert not sink.flush(0.05)
        gated.gate.set()
        assert sink.flush(20)


def test_flush_does_not_wait_for_what_is_queued_after_it_was_called(gated: Gated) -> None:
    def store(event: Event) -> None:
        if event["messageId"] == "1":
            sink({"messageId": "2"})  # it was flush that brought us here
        else:
            gated(event)

    sink = Background(store, max_batch=2, max_delay=1000)
    sink(event("1"))
    assert sink.flush(20)
    assert sink.stats()["queued"] == 1
    gated.gate.set()
    sink.close()
    assert gated.stored == ["2"]


def test_close_forwards_what_is_queued_closes_the_sink_and_ends_the_thread(gated: Gated) -> None:
    gated.gate.set()
    others = threads()
    sink = Background(gated, max_delay=1000)
    put(sink, ids(3))
    (own,) = threads() - others
    sink.close(20)
    assert gated.stored == ids(3)
    (timeout,) = gated.closed
    assert timeout is not None
    assert 0 < timeout <= 20
    wait_until(lambda: not own.is_alive())
    put(sink, ids(2, "later"))
    sink.close(None)
    assert gated.stored == [*ids(3), *ids(2, "later")]
    assert gated.closed[1] is None


def test_close_ends_within_its_timeout_while_the_sink_hangs(gated: Gated, caplog: pytest.LogCaptureFixture) -> None:
    sink = Background(gated)
    put(sink, ids(3))
    assert gated.entered.wait(20)
    started = time.monotonic()
    sink.close(0.1)
    assert time.monotonic() - started < 10
    assert {record.levelno for record in caplog.records} == {logging.ERROR}
    assert "was closed with 3 events in its queue" in caplog.records[0].message
    gated.gate.set()  # where the process goes on, so does the thread
    assert sink.flush(20)
    assert gated.stored == ids(3)
    sink.close()


def test_a_sink_that_was_in_a_call_when_it_was_to_be_closed_is_closed_the_next_time(gated: Gated) -> None:
    sink = Background(gated)
    put(sink, ids(3))
    assert gated.entered.wait(20)
    sink.close(0.1)
    gated.gate.set()
    assert sink.flush(20)
    sink.close()
    assert len(gated.closed) == 1
    assert gated.stored == ids(3)


def test_close_ends_within_its_timeout_while_the_sink_is_down() -> None:
    sink = Background(always_down := Calls(always(Unavailable)), retry=Retry(first=1000, cap=1000))
    put(sink, ids(3))
    started = time.monotonic()
    sink.close(0.1)
    assert time.monotonic() - started < 10
    always_down.fault = lambda ids: None
    sink.close()
    assert always_down.stored == ids(3)


def test_a_sink_that_comes_back_while_it_is_closed_still_gets_its_events() -> None:
    """However long the pause before the next try would have been."""
    down = iter([Unavailable("no", retry_after=800)])
    sink = Calls(lambda ids: next(down, None))
    with Background(sink) as background:
        put(background, ids(3))
    assert sink.stored == ids(3)


def test_what_was_given_no_event_leaves_the_sink_alone(gated: Gated) -> None:
    """In a child, the sink's connection would be the parent's."""
    with Background(gated) as sink:
        assert sink.flush(1)
    assert gated.closed == []


def test_events_that_come_while_it_is_closed_are_not_left_behind() -> None:
    sink = Batches()
    background = Background(sink, max_delay=1000)
    done = threading.Event()

    def close() -> None:
        while not done.is_set():
            background.close(20)

    closer = threading.Thread(target=close)
    closer.start()
    for number in range(3000):
        background(event(str(number)))
    wait_until(lambda: len(sink.stored) == 3000)
    done.set()
    closer.join()
