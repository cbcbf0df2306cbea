"""The end of an outage is logged like its beginning."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from pixelmw.sinks.base import Unavailable
from tests.support.forwarding import Batches, Bench, always, ids, poison

Error = Callable[[str], Exception]


@pytest.mark.parametrize("error", [Unavailable, ConnectionError, ValueError])
def test_a_destination_that_is_back_is_logged_once_with_the_length_of_its_outage(
    caplog: pytest.LogCaptureFixture, error: Error
) -> None:
    bench = Bench(Batches(always(error)), ids(7))
    bench.until(lambda: bench.now >= 100)
    down = bench.now
    bench.sink.fault = lambda batch: None
    bench.finish()
    began, ended = caplog.records
    assert (began.levelno, ended.levelno) == (logging.WARNING, logging.WARNING)
    assert "failed: " in began.message
    assert "takes events again, after" in ended.message
    assert f"after {round(down)} s; " in ended.message


def test_each_outage_has_its_end_and_a_destination_that_works_is_not_mentioned(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = Bench(Batches(), ids(7))
    bench.finish()
    assert caplog.records == []


def test_an_end_is_not_logged_where_the_beginning_was_not(caplog: pytest.LogCaptureFixture) -> None:
    """A destination that comes and goes is logged once a minute, and not each time."""
    bench = Bench(Batches())
    for number in range(20):
        bench.queue(ids(3, f"{number}-"))
        bench.sink.fault = always(ConnectionError)
        bench.steps(2)
        bench.sink.fault = lambda batch: None
        bench.until(lambda: not len(bench.forwarder))
    assert len(caplog.records) == 2


def test_a_single_bad_event_is_no_outage(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(Batches(poison("e3")), ids(20))
    bench.steps(3)
    assert "takes events again" not in caplog.text
    assert "fails for some events, which are tried again" in caplog.text
