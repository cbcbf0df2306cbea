"""What the log shows of the errors of users' sinks: who raised what, and nothing of the events."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from pixelmw import Event
from pixelmw.delivery import Background, Retry, Spool
from pixelmw.delivery.at_exit import close_all
from pixelmw.delivery.forward.error_words import ErrorWords
from pixelmw.sinks import BatchSink, PartialFailure, Unavailable, Undeliverable, fallback, fan_out
from tests.support.markers import MARK, assert_unmarked, marked_event, nothing_shows
from tests.support.processes import wait_until


def marked(message_id: str) -> Event:
    """A marked event with an id that may be shown."""
    return marked_event("x") | {"messageId": message_id}


#: How a client library quotes what it was given.
QUOTES: dict[str, Callable[[Sequence[Event]], str]] = {
    "the row": lambda events: f"Failing row contains ({', '.join(map(str, events[0].values()))}).",
    "a repr": lambda events: f"could not store {events!r}",
    "JSON": lambda events: f"400: {json.dumps(list(events))}",
    "a command": lambda events: f"XADD * {json.dumps(events[-1], ensure_ascii=False).encode()!r} failed",
    "a part": lambda events: f"value too long: {str(events[0]['event'])[:25]}... at {events[0]['userId'][3:]}",
    "a number": lambda events: f"duplicate key ({events[0]['properties']['phone']})",
    "more lines": lambda events: "DETAIL:\n" + "\n".join(str(each["event"]) for each in events),
}


def as_it_is(kind: type[Exception]) -> Callable[[str], Exception]:
    return kind


#: What a sink makes of these words.
ERRORS: dict[str, Callable[[str], Exception]] = {
    "unknown": as_it_is(ValueError),
    "down": as_it_is(Unavailable),
    "refused": as_it_is(Undeliverable),
    "the system's": lambda words: OSError(5, words, words),
    "a group": lambda words: ExceptionGroup(words, [ValueError(words), ExceptionGroup(words, [KeyError(words)])]),
    "of the batch": lambda words: PartialFailure({0: ValueError(words)}),
}


class Quoting(BatchSink):
    """A sink that fails, and quotes what it was given."""

    def __init__(self, quote: Callable[[Sequence[Event]], str], error: Callable[[str], Exception]) -> None:
        self.quote = quote
        self.error = error
        self.calls = 0

    def write(self, events: Sequence[Event]) -> None:
        """Fail."""
        self.calls += 1
        raise self.error(self.quote(events))


@pytest.mark.parametrize("error", list(ERRORS))
@pytest.mark.parametrize("quote", list(QUOTES))
def test_no_line_of_the_log_shows_a_part_of_an_event(quote: str, error: str, caplog: pytest.LogCaptureFixture) -> None:
    sink = Quoting(QUOTES[quote], ERRORS[error])
    with nothing_shows(caplog):
        retry = Retry(first=0.001, cap=0.002, attempts=2)
        queue = Background(sink, max_delay=0.01, retry=retry, max_batch=1 if error == "of the batch" else 500)
        for number in range(3):
            queue(marked(f"{number}"))
        wait_until(lambda: queue.stats()["dead"] == 3)
        queue.close()
    assert "does not take the event '0' and is lost" in caplog.text
    assert f"{sink!r} failed: " in caplog.text or error == "refused"


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda sink: sink,
        lambda sink: fan_out(sink, sink),
        lambda sink: fallback(sink, sink),
        lambda sink: sink.__call__,
    ],
    ids=["alone", "fan_out", "fallback", "a function"],
)
def test_a_spool_shows_nothing_of_an_event_whatever_is_behind_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, wrapped: Callable[[Any], Any]
) -> None:
    sink = Quoting(QUOTES["a repr"], ValueError)

    def dead_letter(event: Event) -> None:
        raise ConnectionError(f"no room for {event!r}")

    with nothing_shows(caplog):
        options: dict[str, Any] = {"retry": Retry(first=0.001, cap=0.002, attempts=2), "dead_letter": dead_letter}
        with Spool(tmp_path / "s", wrapped(sink), **options) as spool:
            spool(marked("1"))
            wait_until(lambda: "a dead letter was not stored: ConnectionError('no room for" in caplog.text)
    assert sink.calls >= 2


def test_a_sink_that_ends_its_thread_and_one_that_cannot_be_shown_are_told_of_in_our_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Unshowable(Exception):
        def __str__(self) -> str:
            raise ValueError(MARK)

    raised: list[BaseException] = [SystemExit(MARK), Unshowable()]

    def store(event: Event) -> None:
        raise raised[int(event["messageId"])]

    with nothing_shows(caplog):
        queue = Background(store, max_delay=0.0, retry=Retry(first=0.001, attempts=1))
        for number in range(2):
            queue(marked(str(number)))
        wait_until(lambda: queue.stats()["dead"] == 2)
        queue.close()
    assert "RuntimeError('a sink raised SystemExit('…')')" in caplog.text
    assert "Unshowable('(its message cannot be shown)')" in caplog.text


def test_a_sink_that_cannot_be_closed_when_the_process_ends_shows_nothing_either(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Keeping(BatchSink):
        def write(self, events: Sequence[Event]) -> None:
            self.kept = list(events)

        def close(self, timeout: float | None = None) -> None:
            try:
                raise ValueError(f"left: {self.kept}")
            except ValueError as error:
                raise OSError(5, "the device is gone", MARK) from error

    queue = Background(Keeping())
    queue(marked("1"))
    assert queue.flush(10)
    with nothing_shows(caplog):
        close_all()
    assert f"{queue!r} was not closed" in caplog.text
    assert "OSError: the device is gone" in caplog.text
    assert "in close" in caplog.text


def test_what_is_said_of_other_things_is_kept() -> None:
    payloads = [json.dumps(marked("1")).encode()]
    shown = {
        str(ErrorWords(error, payloads))
        for error in (ValueError(), KeyError(1), OSError(28, "No space left"), ExceptionGroup("g", [ValueError("a")]))
    }
    assert shown == {"ValueError()", "KeyError('1')", "OSError(28, 'No space left')", "ExceptionGroup: ValueError('a')"}
    for length in range(960, 1010):  # a text that ends behind what is shown
        assert_unmarked(str(ErrorWords(ValueError("x" * length + MARK), payloads)))
    assert len(str(ErrorWords(ValueError("x" * 2000), []))) < 1100
