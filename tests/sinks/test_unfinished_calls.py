"""A sink whose call only makes a coroutine has stored nothing, also where it stands behind another sink."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from pixelmw import Event
from pixelmw.delivery import Background, Retry, Spool
from pixelmw.sinks import BatchSink, PartialFailure, fallback, fan_out
from pixelmw.sinks.base import batch_writer
from tests.support.lazy import FOUND_AT_THE_CALL
from tests.support.pixel import Pixel
from tests.support.processes import event

GOOD = "writeKey=k&anonymousId=a&event=e"
lazy = pytest.mark.parametrize("kind", FOUND_AT_THE_CALL)


class LazyWrite(BatchSink):
    """A batch sink whose ``write`` returns what is given, and stores nothing."""

    def __init__(self, write: Callable[..., Any]) -> None:
        self.returns = write

    def write(self, events: Sequence[Event]) -> None:
        return self.returns(events)  # type: ignore[no-any-return]


@lazy
def test_a_batch_sink_is_answered_503(kind: str) -> None:
    assert Pixel(sink=LazyWrite(FOUND_AT_THE_CALL[kind])).get("/pixel/v1/track", GOOD).status_code == 503


@lazy
def test_fan_out_fails_and_the_other_sink_has_the_event(kind: str) -> None:
    stored: list[Event] = []
    for sink in (FOUND_AT_THE_CALL[kind], LazyWrite(FOUND_AT_THE_CALL[kind])):
        both = fan_out(sink, stored.append)
        with pytest.raises(ExceptionGroup, match="1 of 2 sinks failed"):
            both(event("1"))
        with pytest.raises((PartialFailure, TypeError)):
            both.write([event("2"), event("3")])
    assert [each["messageId"] for each in stored] == ["1", "2", "3"] * 2


@lazy
def test_fallback_gives_the_event_to_the_second_sink(kind: str) -> None:
    stored: list[Event] = []
    for sink in (FOUND_AT_THE_CALL[kind], LazyWrite(FOUND_AT_THE_CALL[kind])):
        other = fallback(sink, stored.append)
        other(event("1"))
        other.write([event("2"), event("3")])
    assert [each["messageId"] for each in stored] == ["1", "2", "3"] * 2
    with pytest.raises(TypeError, match="ran nothing"):
        fallback(FOUND_AT_THE_CALL[kind], FOUND_AT_THE_CALL[kind])(event("1"))


@lazy
def test_a_batch_that_a_plain_callable_did_not_store_is_named(kind: str) -> None:
    with pytest.raises(PartialFailure) as caught:
        batch_writer(FOUND_AT_THE_CALL[kind])([event("1"), event("2")])
    assert isinstance(caught.value.failures[0], TypeError)
    assert caught.value.failures[1] is None


@lazy
@pytest.mark.parametrize("batches", [False, True], ids=["one by one", "batches"])
def test_a_background_keeps_the_event_and_says_why(kind: str, batches: bool, caplog: pytest.LogCaptureFixture) -> None:
    sink = LazyWrite(FOUND_AT_THE_CALL[kind]) if batches else FOUND_AT_THE_CALL[kind]
    dead: list[Event] = []
    with Background(sink, max_delay=0, retry=Retry(attempts=1), dead_letter=dead.append) as background:
        background(event("1"))
        assert background.flush(10)
    assert [each["messageId"] for each in dead] == ["1"]
    assert background.stats()["forwarded"] == 0
    assert "ran nothing" in caplog.text


@lazy
def test_a_dead_letter_that_was_not_stored_is_kept(kind: str, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    def refuse(each: Event) -> None:
        raise ValueError("never")

    spool = Spool(tmp_path / "spool", refuse, retry=Retry(attempts=1), dead_letter=FOUND_AT_THE_CALL[kind])
    spool(event("1"))
    assert not spool.flush(0.5)
    assert spool.stats()["queued"] == 1
    spool.close(1)
    assert "a dead letter was not stored" in caplog.text
