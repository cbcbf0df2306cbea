"""Events as JSON: how every sink encodes an event, and how what waits on disk is read again."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ..events import Event
from ..system.json_values import count_containers
from .errors import Undeliverable

_T = TypeVar("_T")


def _refuse_constant(constant: str) -> None:
    """NaN and Infinity are no JSON, though Python reads them."""
    raise ValueError(f"{constant} is no JSON")


# This encoder accepts half of a surrogate pair; the UTF-8 encoding then fails. A circular reference raises
# RecursionError.
_to_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":")).encode
_from_json = json.JSONDecoder(parse_constant=_refuse_constant).decode
_to_ascii_json = json.JSONEncoder(allow_nan=False).encode


def encode(event: Event, *, ascii_only: bool = False) -> bytes:
    """Return *event* as JSON on one line, as short as it gets, in UTF-8.

    :param ascii_only: escape every character that is not printable ASCII, and
        put spaces after commas and colons.
    :raises Undeliverable: if the event is not JSON, which no second try will change.
    """
    return encode_and_count(event, ascii_only=ascii_only)[0]


def encode_and_count(event: Event, *, ascii_only: bool = False) -> tuple[bytes, int]:
    """Return what :func:`encode` does, and of how many dicts and lists the event consists."""
    try:
        encoded = (_to_ascii_json if ascii_only else _to_json)(event).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise Undeliverable(f"the event is not JSON: {error}") from error
    try:
        return encoded, count_containers(event)
    except TypeError:
        raise Undeliverable("the event is not JSON: a name in it is no string") from None


def decode(payload: bytes) -> Event:
    """Return the event that *payload* stands for: the inverse of :func:`encode`.

    :raises ValueError: if *payload* is not JSON in UTF-8, or nested too deep to be read.
    """
    try:
        event: Event = _from_json(payload.decode())
    except RecursionError as error:
        raise ValueError("the event is nested too deep") from error
    return event


def encode_each(
    encode: Callable[[Event], _T], events: Sequence[Event]
) -> tuple[dict[int, _T], dict[int, Undeliverable]]:
    """Encode each event, and keep apart those that cannot be encoded.

    :param encode: :func:`encode`, or a function that makes an entry or a row
        of an event and raises :class:`Undeliverable` if there is none.
    :returns: what *encode* returned and what it raised, each by the place of
        the event in *events*.
    """
    encoded: dict[int, _T] = {}
    refused: dict[int, Undeliverable] = {}
    for place, event in enumerate(events):
        try:
            encoded[place] = encode(event)
        except Undeliverable as error:
            refused[place] = error
    return encoded, refused


def required_message_id(event: Event) -> str:
    """Return the messageId of *event*, by which a repeated event is recognised.

    :raises Undeliverable: if the event has none.
    """
    message_id = as_text(event.get("messageId"))
    if not message_id:
        raise Undeliverable("an event needs a messageId to be stored once")
    return message_id


def as_text(value: Any) -> str | None:
    """Return *value* for a field of text: a string or ``None`` as it is, anything else as JSON.

    A schema of the user's may allow a number or an object as an id.
    """
    return value if value is None or isinstance(value, str) else json.dumps(value)
