"""Events with marks in them, and what a log shows of these: nothing."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from urllib.parse import urlencode

import pytest
from werkzeug.test import Client

from pixelmw import Event, PixelMiddleware, Sink
from pixelmw.delivery import Background, Retry
from pixelmw.sinks.base import store
from tests.support.processes import wait_until

#: What an address for mail looks like, with what has to be escaped in one place or another.
MARK = "jo.marked@secret.example"
#: A name that would be a line of the log, if it were logged as it is.
FORGED = f"Signed\nERROR:root:forged by {MARK} 'a' \"b\""
_PARTS = ("jo.marked", "secret.example", "forged by", "41791234567", "rue-marquée", "Gansweg")


def marked_event(message_id: str) -> Event:
    """An event that is full of what no log may show."""
    return {
        "messageId": f"{message_id}-{MARK}",
        "type": "track",
        "event": FORGED,
        "userId": MARK,
        "properties": {"phone": 41791234567, "address": ["rue-marquée 'x'", {f"of {MARK}": 'Gansweg "7" \\ \t'}]},
    }


def assert_unmarked(*texts: str) -> None:
    """Assert that none of *texts* shows a part of a marked event, or has a line that one would have forged."""
    for text in texts:
        for part in _PARTS:
            assert part not in text, text


@contextmanager
def nothing_shows(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Assert that nothing of a marked event is logged in the block, by anybody, at any level."""
    with caplog.at_level(logging.DEBUG):
        yield
    assert_unmarked(caplog.text, *(record.getMessage() for record in caplog.records))


def give_marked(sink: Sink, *, batches: Sequence[int] = (1, 3)) -> list[Exception]:
    """Let *sink* fail on marked events: in batches, in a request, and behind a ``Background``; returns the errors.

    What the errors say, with all that led to them, shows nothing, either.
    """
    errors = []
    for size in batches:
        try:
            store(sink, [marked_event(f"{size}-{number}") for number in range(size)], worker=True)
        except Exception as error:
            errors.append(error)
            assert_unmarked("".join(traceback.format_exception(error)), repr(error))
    query = urlencode({"writeKey": "k", "userId": MARK, "event": FORGED, "properties.phone": "41791234567"})
    status = (
        Client(PixelMiddleware(lambda environ, start_response: [], sink)).get(f"/pixel/v1/track?{query}").status_code
    )
    assert status in (422, 503)
    lost: list[Event] = []
    with (
        suppress(Exception),
        Background(sink, max_delay=0.0, retry=Retry(first=0.01, attempts=2), dead_letter=lost.append) as queue,
    ):
        queue({**marked_event("queued"), "messageId": "queued"})
        wait_until(lambda: bool(lost))
    assert lost
    return errors
