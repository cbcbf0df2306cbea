"""A call of a sink that does not return is logged, once a minute."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from pixelmw import Event
from pixelmw.delivery import Background, Spool, watch
from pixelmw.delivery.base import Delivery
from pixelmw.sinks.base import Undeliverable
from tests.support.forwarding import Gated, ids
from tests.support.processes import event, wait_until


@pytest.fixture
def gated(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gated]:
    """A sink that hangs; a call counts as long after a twentieth of a second, and is looked at more often."""
    monkeypatch.setattr(watch, "LONG_CALL", 0.05)
    monkeypatch.setattr(watch, "INTERVAL", 0.01)
    sink = Gated()
    yield sink
    sink.gate.set()


def told(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if "has lasted for" in record.getMessage()]


@pytest.mark.parametrize("kind", ["Background", "Spool"])
@pytest.mark.parametrize("plain", [False, True], ids=["a write", "a plain callable"])
def test_a_call_that_does_not_return_is_logged_once_a_minute_with_what_it_means(
    tmp_path: Path, gated: Gated, caplog: pytest.LogCaptureFixture, kind: str, plain: bool
) -> None:
    sink = gated.__call__ if plain else gated
    delivery: Delivery = Background(sink) if kind == "Background" else Spool(tmp_path / "spool", sink)
    with delivery:
        delivery(event("1"))
        wait_until(lambda: told(caplog))
        assert not delivery.flush(0.2)
        (record,) = told(caplog)
        assert (record.name, record.levelno) == ("pixelmw.delivery", logging.WARNING)
        assert record.getMessage() == (
            f"{delivery!r}: a call of {sink!r} has lasted for 0 s; nothing is forwarded until it ends"
        )
        gated.gate.set()
        assert delivery.flush(20)


def test_a_dead_letter_that_does_not_return_is_logged_too(gated: Gated, caplog: pytest.LogCaptureFixture) -> None:
    def refuse(event: Event) -> None:
        raise Undeliverable("never")

    with Background(refuse, dead_letter=gated) as queue:
        queue(event("1"))
        wait_until(lambda: told(caplog))
        assert f"a call of {gated!r} has lasted" in told(caplog)[0].getMessage()
        gated.gate.set()
        assert queue.flush(20)


def test_many_calls_that_take_their_time_one_after_another_are_not_one_long_call(
    gated: Gated, caplog: pytest.LogCaptureFixture
) -> None:
    def take_a_moment(event: Event) -> None:
        gated.entered.wait(0.01)

    with Background(take_a_moment) as queue:
        queue.write([event(each) for each in ids(30)])
        assert queue.flush(20)
    assert told(caplog) == []
