"""An event as a message of Kafka's: its value, its key, its header, and its size as librdkafka counts it."""

from __future__ import annotations

from typing import NamedTuple

from ...events import Event
from ..errors import Undeliverable

_HEADER = "messageId"
_HEADER_NAME_BYTES = 1 + len(_HEADER)  # its length takes one
# RD_KAFKAP_MESSAGE_V2_MAX_OVERHEAD of librdkafka: the most that a record takes beside its key, value and headers.
_RECORD_BYTES = 36


class Message(NamedTuple):
    """An event as it stands in a topic."""

    value: bytes
    key: bytes | None
    headers: list[tuple[str, bytes]]


def as_message(event: Event, encoded: bytes, max_bytes: int) -> Message:
    """Return the message for *event*.

    :param encoded: the event as JSON, which is the value.
    :param max_bytes: the most that librdkafka takes.
    :raises Undeliverable: if the message is larger than that.
    """
    ids = (event.get(name) for name in ("userId", "anonymousId"))
    key = next((each.encode() for each in ids if isinstance(each, str) and each), None)
    size = _RECORD_BYTES + len(encoded) + len(key or b"")
    headers: list[tuple[str, bytes]] = []
    if isinstance(message_id := event.get("messageId"), str):
        headers.append((_HEADER, value := message_id.encode()))
        size += _HEADER_NAME_BYTES + _varint_bytes(len(value)) + len(value)
    if size > max_bytes:
        raise Undeliverable(f"the message has {size} bytes; message.max.bytes is {max_bytes}")
    return Message(encoded, key, headers)


def _varint_bytes(number: int) -> int:
    """How many bytes *number* takes in a record, where lengths are signed: seven bits each, the sign in the first."""
    return max(1, -(-(number.bit_length() + 1) // 7))
