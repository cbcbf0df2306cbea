"""Batches: BatchSink, batch_writer, and batches that JSONLines writes."""

from __future__ import annotations

import errno
import re
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from pixelmw import Event
from pixelmw.sinks import JSONLines
from pixelmw.sinks.base import (
    BatchSink,
    PartialFailure,
    SinkError,
    Unavailable,
    Undeliverable,
    batch_writer,
    call_within,
)
from tests.support import faults
from tests.support.processes import event, lines, run, stored


def batch(*ids: str) -> list[Event]:
    return [event(message_id) for message_id in ids]


# --- BatchSink ---


class Picky(BatchSink):
    """Stores all events except those that it has an error for, and names these."""

    def __init__(self, **errors: Exception | None) -> None:
        self.errors = errors
        self.batches: list[list[Event]] = []
        self.closed = 0

    def write(self, events: Sequence[Event]) -> None:
        failures = {
            at: self.errors[each["messageId"]] for at, each in enumerate(events) if each["messageId"] in self.errors
        }
        self.batches.append([each for at, each in enumerate(events) if at not in failures])
        if failures:
            raise PartialFailure(failures)

    def close(self, timeout: float | None = None) -> None:
        self.closed += 1


def test_a_sink_of_batches_is_called_with_one_event_as_any_sink_is() -> None:
    sink = Picky()
    sink(event("1"))
    assert sink.batches == [batch("1")]


def test_the_error_of_one_event_is_raised_as_it_is() -> None:
    error = OSError("the disk is gone")
    with pytest.raises(OSError, match="the disk is gone") as caught:
        Picky(bad=error)(event("bad"))
    assert caught.value is error


def test_an_event_that_was_not_even_tried_is_an_error_too() -> None:
    with pytest.raises(PartialFailure, match="1 events of the batch were not stored"):
        Picky(bad=None)(event("bad"))


def test_a_partial_failure_says_how_many_and_why() -> None:
    failure = PartialFailure({1: None, 4: OSError("the disk is gone")})
    assert str(failure) == "2 events of the batch were not stored; the first error: the disk is gone"


@pytest.mark.parametrize("error", [Undeliverable("too large"), Unavailable("down"), PartialFailure({0: None})])
def test_what_sinks_raise_on_purpose_has_one_base(error: Exception) -> None:
    with pytest.raises(SinkError):
        raise error


def test_a_sink_of_batches_is_closed_at_the_end_of_its_context() -> None:
    with Picky() as sink:
        assert sink.flush()
        assert sink.closed == 0
    assert sink.closed == 1


# --- batch_writer ---


def test_a_batch_goes_to_the_sinks_own_write() -> None:
    sink = Picky()
    batch_writer(sink)(batch("1", "2"))
    assert sink.batches == [batch("1", "2")]


def test_a_plain_callable_gets_the_events_of_a_batch_one_by_one() -> None:
    events: list[Event] = []
    batch_writer(events.append)(batch("1", "2"))
    assert events == batch("1", "2")


def test_a_plain_callable_that_raises_is_left_alone_with_the_rest_of_the_batch() -> None:
    events: list[Event] = []
    error = OSError("the disk is gone")

    def store(event: Event) -> None:
        if event["messageId"] == "2":
            raise error
        events.append(event)

    with pytest.raises(PartialFailure) as caught:
        batch_writer(store)(batch("1", "2", "3", "4"))
    assert caught.value.failures == {1: error, 2: None, 3: None}
    assert events == batch("1")


# --- JSONLines ---


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


_TWO_BATCHES = """
import os, sys
from pixelmw.sinks import JSONLines
from tests.support.processes import event

sink = JSONLines(sys.argv[1])
for name in "ab":
    sink.write([event(f"{name}{number}", 100) for number in range(3)])
    os.write(1, b"returned\\n")
"""


def test_a_batch_of_lines_is_one_write_and_one_sync(path: Path) -> None:
    log = path.with_suffix(".trace")
    calls = "trace=write,writev,pwrite64,fsync,fdatasync"
    run(_TWO_BATCHES, path, under=[faults.strace(), "-f", "--seccomp-bpf", "-qq", "-y", "-e", calls, "-o", str(log)])
    steps = re.findall(rf"(\w+)\(\d+<{re.escape(str(path))}>|\"(returned)", log.read_text())
    assert ["".join(step) for step in steps] == ["write", "fdatasync", "returned"] * 2
    assert stored(path) == ["a0", "a1", "a2", "b0", "b1", "b2"]


@pytest.mark.parametrize("size", [60, 4000], ids=["the last line", "the first line"])
def test_a_batch_of_lines_that_does_not_fit_is_taken_back_as_a_whole(tmp_path: Path, size: int) -> None:
    with faults.file_size_limit(tmp_path, "events.jsonl") as (path, lasting):
        sink = JSONLines(path)
        sink.write(batch("1", "2"))
        before = path.read_bytes()
        with lasting(), pytest.raises(OSError, match="File too large") as caught:
            sink.write([event("refused"), event("refused", size)])
        assert (caught.value.errno, caught.value.filename) == (errno.EFBIG, str(path))
        assert path.read_bytes() == before
        sink.write(batch("3", "4"))
        assert stored(path) == ["1", "2", "3", "4"]


def test_an_event_that_is_not_json_is_named_and_the_others_are_lines(path: Path) -> None:
    with pytest.raises(PartialFailure) as caught:
        JSONLines(path).write([event("1"), {"n": float("nan")}, event("2"), {"half": "\ud800"}, {"bytes": b""}])
    failures = caught.value.failures
    assert {type(error) for error in failures.values()} == {Undeliverable}
    causes = [(place, type(error.__cause__)) for place, error in failures.items() if error]
    assert causes == [(1, ValueError), (3, UnicodeEncodeError), (4, TypeError)]
    assert lines(path) == batch("1", "2")


def test_a_batch_without_lines_does_not_touch_the_disk(path: Path) -> None:
    sink = JSONLines(path)
    sink.write([])
    with pytest.raises(PartialFailure):
        sink.write([{"n": float("nan")}])
    assert not path.exists()


def test_a_half_line_that_a_killed_process_left_does_not_spoil_a_batch(path: Path) -> None:
    path.write_bytes(b'{"messageId":"to')
    JSONLines(path).write(batch("1", "2"))
    left, *rest = path.read_text().splitlines()
    assert (left, len(rest)) == ('{"messageId":"to', 2)


def test_batches_of_several_threads_do_not_mix(path: Path) -> None:
    sink = JSONLines(path, sync=False, timeout=20)
    threads = [
        threading.Thread(target=sink.write, args=(batch(*(f"{thread}-{number}" for number in range(50))),))
        for thread in range(8)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join(20)
    ids = stored(path)
    assert len(ids) == 400
    for start in range(0, 400, 50):
        thread = ids[start].partition("-")[0]
        assert ids[start : start + 50] == [f"{thread}-{number}" for number in range(50)]


def test_a_method_that_is_written_in_c_is_given_its_time_though_python_knows_no_signature() -> None:
    assert call_within(5.0, str) == "5.0"
