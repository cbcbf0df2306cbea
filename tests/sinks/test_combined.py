"""Batches and the life cycle of sinks that are made of sinks."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Self

import pytest

from pixelmw import Event
from pixelmw.sinks import JSONLines, SQLite, fallback, fan_out
from pixelmw.sinks.base import BatchSink, PartialFailure
from tests.support.processes import event
from tests.support.spools import descriptors

GONE, FULL = OSError("the disk is gone"), OSError("the disk is full")


class Destination(BatchSink):
    """Keeps events, refuses those with certain ids, and changes every event that it gets, as a careless sink may."""

    def __init__(self, refused: dict[str, Exception | None] | None = None, *, down: Exception | None = None) -> None:
        self.refused = refused or {}
        self.down = down
        self.ids: list[str] = []
        self.calls: list[tuple[str, float | None]] = []
        self.slow = threading.Event()

    def __repr__(self) -> str:
        return "Destination()"

    def write(self, events: Sequence[Event]) -> None:
        names = [each.pop("messageId") for each in events]
        for each in events:
            each["properties"].clear()
        if self.down is not None:
            raise self.down
        self.ids += [name for name in names if name not in self.refused]
        failures = {place: self.refused[name] for place, name in enumerate(names) if name in self.refused}
        failures = dict(reversed(failures.items()))  # no order is promised
        if failures:
            raise PartialFailure(failures)

    def flush(self, timeout: float | None = None) -> bool:
        self.calls.append(("flush", timeout))
        return not self.slow.is_set()

    def close(self, timeout: float | None = None) -> None:
        self.calls.append(("close", timeout))
        if self.down is not None:
            raise self.down

    def __enter__(self) -> Self:
        self.calls.append(("enter", None))
        return self


def batch(*ids: str) -> list[Event]:
    return [event(message_id) for message_id in ids]


# --- fan_out ---


def test_each_sink_gets_a_copy_of_the_batch_of_its_own() -> None:
    first, second = Destination(), Destination()
    third: list[Event] = []
    events = batch("1", "2")
    fan_out(first, second, third.append).write(events)
    assert (first.ids, second.ids, third) == (["1", "2"], ["1", "2"], batch("1", "2"))
    assert events == batch("1", "2")


def test_all_sinks_get_the_batch_though_one_fails_and_each_event_has_its_error() -> None:
    first, second, last = Destination({"2": GONE}), Destination(), Destination({"3": FULL})
    with pytest.raises(PartialFailure) as caught:
        fan_out(first, second, last).write(batch("1", "2", "3"))
    assert caught.value.failures == {1: GONE, 2: FULL}
    assert (first.ids, second.ids, last.ids) == (["1", "3"], ["1", "2", "3"], ["1", "2"])


def test_a_sink_that_is_down_fails_every_event_and_errors_of_several_come_as_a_group() -> None:
    with pytest.raises(PartialFailure) as caught:
        fan_out(Destination({"2": FULL}), Destination(), Destination(down=GONE)).write(batch("1", "2"))
    assert list(caught.value.failures) == [0, 1]
    assert caught.value.failures[0] is GONE
    group = caught.value.failures[1]
    assert isinstance(group, ExceptionGroup)
    assert (group.message, group.exceptions) == ("2 of 3 sinks failed", (FULL, GONE))


def test_an_event_that_a_sink_did_not_try_has_no_error_unless_another_sink_has_one() -> None:
    stops = Destination({"1": GONE, "2": None, "3": None})
    with pytest.raises(PartialFailure) as caught:
        fan_out(stops, Destination({"3": FULL})).write(batch("1", "2", "3"))
    assert caught.value.failures == {0: GONE, 1: None, 2: FULL}


# --- fallback ---


def test_the_second_sink_is_left_alone_while_the_first_stores_the_batch() -> None:
    primary, secondary = Destination(), Destination()
    fallback(primary, secondary).write(batch("1", "2"))
    assert (primary.ids, secondary.ids) == (["1", "2"], [])


def test_the_second_sink_gets_what_the_first_did_not_store_as_it_was(caplog: pytest.LogCaptureFixture) -> None:
    primary = Destination({"3": None, "1": GONE})
    secondary: list[Event] = []
    fallback(primary, secondary.append).write(batch("1", "2", "3"))
    assert (primary.ids, secondary) == (["2"], batch("1", "3"))
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("pixelmw.sinks", logging.WARNING)
    assert record.getMessage().startswith("Destination() failed; 2 events go to")
    assert "the disk is gone" in caplog.text


def test_the_second_sink_gets_the_whole_batch_where_the_first_is_down(caplog: pytest.LogCaptureFixture) -> None:
    secondary: list[Event] = []
    fallback(Destination(down=GONE), secondary.append).write(batch("1", "2"))
    assert secondary == batch("1", "2")
    assert "Destination() failed; 2 events go to" in caplog.text
    assert "the disk is gone" in caplog.text


def test_what_neither_sink_stores_has_its_place_in_the_batch() -> None:
    primary, secondary = Destination({"2": GONE, "4": GONE}), Destination({"4": FULL})
    with pytest.raises(PartialFailure) as caught:
        fallback(primary, secondary).write(batch("1", "2", "3", "4"))
    assert caught.value.failures == {3: FULL}
    assert (primary.ids, secondary.ids) == (["1", "3"], ["2"])


def test_what_the_first_sink_stored_is_stored_though_the_second_is_down() -> None:
    with pytest.raises(PartialFailure) as caught:
        fallback(Destination({"2": GONE, "3": GONE}), Destination(down=FULL)).write(batch("1", "2", "3"))
    assert caught.value.failures == {1: FULL, 2: FULL}
    assert isinstance(caught.value.__cause__, PartialFailure)


def test_where_both_sinks_are_down_the_second_error_has_the_first_as_its_context() -> None:
    with pytest.raises(OSError, match="the disk is full") as caught:
        fallback(Destination(down=GONE), Destination(down=FULL)).write(batch("1"))
    assert caught.value is FULL
    assert caught.value.__context__ is GONE


# --- life cycle ---


@pytest.mark.parametrize("combine", [fan_out, fallback])
def test_a_combined_sink_says_what_it_is_made_of(combine: type) -> None:
    assert repr(combine(Destination(), JSONLines("/e"))) == f"{combine.__name__}(Destination(), JSONLines('/e'))"


def test_all_sinks_are_flushed_though_one_is_late() -> None:
    late, other = Destination(), Destination()
    sink = fan_out(late, print, other)
    assert sink.flush()
    late.slow.set()
    assert not sink.flush()
    assert late.calls == other.calls == [("flush", None)] * 2


def test_the_sinks_share_the_time_that_there_is() -> None:
    class Slow(Destination):
        def close(self, timeout: float | None = None) -> None:
            super().close(timeout)
            started = time.monotonic()
            while time.monotonic() - started < 0.02:
                pass

    sinks = Slow(), Slow(), Destination()
    fan_out(*sinks).close(5)
    first, second, third = (sink.calls[0][1] or 0 for sink in sinks)
    assert 5 >= first >= second + 0.02 >= third + 0.04
    fan_out(*sinks).close(0.01)
    assert sinks[2].calls[1] == ("close", 0)


def test_all_sinks_are_closed_though_one_cannot_be() -> None:
    broken, other = Destination(down=GONE), Destination()
    with pytest.raises(ExceptionGroup, match="1 of 3 sinks were not closed") as caught:
        fan_out(broken, print, other).close()
    assert caught.value.exceptions == (GONE,)
    assert other.calls == [("close", None)]


def test_with_is_passed_on_to_the_sinks_that_know_it_and_the_others_are_closed_if_they_can_be() -> None:
    class Plain:
        closed = False

        def __call__(self, event: Event) -> None:
            """Take the event."""

        def close(self) -> None:
            self.closed = True

    context, plain = Destination(), Plain()
    with fan_out(context, plain, print):
        assert context.calls == [("enter", None)]
        assert not plain.closed
    assert context.calls == [("enter", None), ("close", None)]
    assert plain.closed


def test_a_wrong_path_shows_at_the_start_and_what_was_opened_before_is_closed(tmp_path: Path) -> None:
    good, bad = SQLite(tmp_path / "events.db"), SQLite(tmp_path / "missing" / "events.db")
    with pytest.raises(sqlite3.OperationalError, match="unable to open"), fallback(good, bad):
        pytest.fail("it was entered")
    assert (tmp_path / "events.db").exists()
    assert not descriptors(tmp_path)


def test_a_plain_sink_whose_close_takes_no_timeout_is_closed(tmp_path: Path) -> None:
    class Rows:
        """A user's own sink, with a ``close`` that takes no timeout."""

        def __init__(self) -> None:
            self.connection = sqlite3.connect(tmp_path / "own.db")
            self.close = self.connection.close

        def __call__(self, event: Event) -> None:
            self.connection.execute("SELECT 1")

    sink = Rows()
    combined = fan_out(sink)
    combined(event("1"))
    combined.close(5.0)
    with closing(sink.connection), pytest.raises(sqlite3.ProgrammingError, match="closed"):
        sink(event("2"))


def test_a_with_within_a_with_leaves_the_outer_one_something_to_close(tmp_path: Path) -> None:
    with fan_out(SQLite(tmp_path / "events.db"), print) as sink:
        with sink:
            sink(event("1"))
        sink(event("2"))
        assert descriptors(tmp_path)
    assert not descriptors(tmp_path)
