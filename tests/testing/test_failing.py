"""A sink that fails at the calls it is told to."""

from __future__ import annotations

import threading

import pytest

from pixelmw import Event
from pixelmw.delivery import Background, Retry
from pixelmw.sinks import JSONLines, Unavailable, Undeliverable
from pixelmw.sinks.base import takes_batches
from pixelmw.testing import Failing, Recorder, sample_event


def test_calls_are_counted_from_1_and_those_named_fail() -> None:
    events: list[Event] = []
    error = Undeliverable("too large")
    sink = Failing(events.append, fail=[1, 3], error=error)
    for number in range(1, 5):
        event = sample_event(messageId=str(number))
        if number in (1, 3):
            with pytest.raises(Undeliverable) as caught:
                sink(event)
            assert caught.value is error
        else:
            sink(event)
    assert [event["messageId"] for event in events] == ["2", "4"]
    assert sink.calls == 4


def test_the_error_is_unavailable_unless_it_is_given_and_may_be_a_class() -> None:
    with pytest.raises(Unavailable, match="as the test wants it"):
        Failing(print, fail=[1])(sample_event())
    with pytest.raises(ConnectionError):
        Failing(print, fail=range(1, 100), error=ConnectionError)(sample_event())


def test_a_batch_is_one_call_and_what_takes_none_does_not_seem_to() -> None:
    recorder = Recorder()
    sink = Failing(recorder, fail=[1])
    with pytest.raises(Unavailable):
        sink.write([sample_event(), sample_event()])
    sink.write([sample_event(), sample_event()])
    assert len(recorder.good) == 2
    assert takes_batches(sink)
    assert not takes_batches(Failing(print))
    with pytest.raises(AttributeError, match="'Failing' object has no attribute 'write'"):
        Failing(print).write  # noqa: B018 - it is what raises


def test_a_wrapper_gets_over_its_failures() -> None:
    recorder = Recorder()
    with Background(Failing(recorder, fail=[1, 2]), max_delay=0.0, retry=Retry(first=0.001)) as sink:
        sink(sample_event())
        recorder.wait(good=1, timeout=20.0)


def test_the_rest_is_the_sinks() -> None:
    recorder = Recorder()
    with Failing(recorder) as sink:
        assert sink.flush(1.0) is True
        assert sink.good is recorder.good
    with Failing(print) as plain:
        assert not hasattr(plain, "flush")
    assert repr(Failing(JSONLines("/e"), fail=[2])) == "Failing(JSONLines('/e'), fail=[2])"


def test_threads_count_together() -> None:
    failed: list[int] = []
    stored: list[Event] = []
    sink = Failing(stored.append, fail=range(1, 101))

    def store() -> None:
        for _ in range(50):
            try:
                sink(sample_event())
            except Unavailable:
                failed.append(1)

    threads = [threading.Thread(target=store) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(failed), sink.calls) == (100, 200)


def test_what_cannot_work_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="any callable"):
        Failing([])  # type: ignore[arg-type]  # that is the point
    with pytest.raises(TypeError, match=r"such as \[1, 3\]"):
        Failing(print, fail=3)  # type: ignore[arg-type]  # that is the point
