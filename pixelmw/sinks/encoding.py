"""Events as text that every destination can hold, and apart from them, events that no such text can be made of."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ..events import Event, to_json
from .base import Undeliverable

_T = TypeVar("_T")


def json_of(event: Event) -> str:
    """The event as JSON on one line, in text that UTF-8 can hold.

    :raises ValueError: where there is no such thing, as for NaN or half of a surrogate pair.
    :raises TypeError: for a value that is none of JSON's.
    """
    text = to_json(event)
    text.encode()  # the encoder lets surrogates pass
    return text


def encode(event: Event) -> bytes:
    """Return *event* as JSON on one line, in UTF-8.

    :raises Undeliverable: if the event is not JSON, which no second try will change.
    """
    try:
        return to_json(event).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise Undeliverable(f"the event is not JSON: {error}") from error


def decode(payload: bytes) -> Event:
    """Return the event that *payload* stands for: the inverse of :func:`encode`.

    :raises ValueError: if *payload* is not JSON, or nested too deep to be read.
    """
    try:
        event: Event = json.loads(payload)
    except RecursionError as error:
        raise ValueError("the event is nested too deep") from error
    return event


def message_id_of(event: Event) -> str:
    """What an event is told from all others by.

    :raises ValueError: for an event without a messageId.
    """
    message_id = text_of(event.get("messageId"))
    if not message_id:
        raise ValueError("an event needs a messageId to be stored once")
    return message_id


def text_of(value: Any) -> str | None:
    """*value* for a field of text; a schema of the user's may have made it something else."""
    return value if value is None or isinstance(value, str) else json.dumps(value)


def prepare(make: Callable[[Event], _T], events: Sequence[Event]) -> tuple[dict[int, _T], dict[int, Exception]]:
    """What *make* returns for each event, and what it raises, both by the event's place in *events*."""
    made: dict[int, _T] = {}
    failures: dict[int, Exception] = {}
    for place, event in enumerate(events):
        try:
            made[place] = make(event)
        except (TypeError, ValueError, RecursionError) as error:
            failures[place] = error
    return made, failures


def sort_out(events: Sequence[Event], encode: Callable[[Event], _T]) -> tuple[list[_T], dict[int, Exception]]:
    """What *encode* makes of the events, and by their place, :class:`Undeliverable` for those that it refuses."""
    made, failures = prepare(encode, events)
    return list(made.values()), {place: _undeliverable(error) for place, error in failures.items()}


def _undeliverable(cause: Exception) -> Exception:
    error = Undeliverable(str(cause))
    error.__cause__ = cause
    return error
