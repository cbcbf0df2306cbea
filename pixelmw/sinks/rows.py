"""The rows that the sinks for SQL databases store: the columns, and what each holds of an event."""

from __future__ import annotations

from ..events import Event
from .encoding import as_text, encode, required_message_id

#: The values of all columns: the key, the columns of text, and the whole event.
Row = tuple[str, *tuple[str | None, ...], str]

#: The columns of text, and the members of the event that they hold.
TEXT_COLUMNS = {
    "type": "type",
    "event": "event",
    "user_id": "userId",
    "anonymous_id": "anonymousId",
    "received_at": "receivedAt",
}
#: All columns, in the order of a row.
COLUMNS = ("message_id", *TEXT_COLUMNS, "body")


def row_of(event: Event) -> Row:
    """Return the row of *event*, with the messageId as its key and the whole event as JSON in ``body``.

    :raises Undeliverable: if the event is not JSON, or has no messageId.
    """
    body = encode(event).decode()  # first: it also refuses what the other columns cannot hold
    texts = [as_text(event.get(member)) for member in TEXT_COLUMNS.values()]
    return required_message_id(event), *texts, body
