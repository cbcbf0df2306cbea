"""What the log of a request shows of the errors of sinks: nothing of the event, whatever shape it came in."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from pixelmw import Event
from pixelmw.sinks import Undeliverable, fallback
from tests.support.markers import marked_event, nothing_shows
from tests.support.pixel import Pixel


def query_of(event: Event) -> str:
    """Segment's form, in which numbers are numbers, and names are anything."""
    return f"writeKey=k&data={quote(b64encode(json.dumps(event).encode()))}"


@pytest.mark.parametrize(
    "kind",
    [ValueError, Undeliverable, lambda words: ExceptionGroup("g", [OSError(words)])],
    ids=["unknown", "refused", "group"],
)
@pytest.mark.parametrize("wrapped", [lambda sink: sink, lambda sink: fallback(sink, sink)], ids=["alone", "fallback"])
def test_numbers_and_names_of_an_event_do_not_show_either(
    caplog: pytest.LogCaptureFixture, kind: Callable[[str], Exception], wrapped: Callable[[Any], Any]
) -> None:
    def store(event: Event) -> None:
        raise kind(f"XADD * {json.dumps(event)} {event!r}")

    pixel = Pixel(sink=wrapped(store))
    with nothing_shows(caplog):
        status = pixel.get("/pixel/v1/track", query_of(marked_event("1"))).status_code
    assert status in (422, 503)
    assert "XADD * " in caplog.text
