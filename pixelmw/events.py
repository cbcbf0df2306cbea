"""Makes an event of parsed parameters: ids, defaults, times, and the fields that only the server sets."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from .text import is_blank

#: One event: a dict of strings, numbers, booleans, ``None``, lists and dicts, as JSON has them.
Event = dict[str, Any]

#: Where events go: any callable that takes an event. It returns once the event is stored, and raises if it is not.
Sink = Callable[[Event], object]

#: The event types that have a schema in the package.
EVENT_TYPES = ("page", "track", "identify", "group", "alias", "screen")

#: An event as JSON without white space. Raises ValueError or TypeError for a value that JSON cannot hold.
to_json: Callable[[Event], str] = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":")
).encode

_ID_FIELDS = ("messageId", "anonymousId", "userId", "groupId", "previousId")


def build_event(
    event_type: str, params: Mapping[str, Any], *, now: float, new_id: Callable[[], str], source: str | None
) -> Event:
    """The event that *params* stand for.

    It is a new dict. The values in it are those of *params*, and ``context`` is
    changed in place.

    :param now: seconds since the epoch.
    :param new_id: makes a messageId if the client sent none.
    :param source: the source name that the write key stands for, if there is one.
    """
    event = dict(params)
    for name in _ID_FIELDS:
        if isinstance(event.get(name), str):
            event[name] = _clean_id(event[name], quoted=name == "anonymousId")
            if not event[name]:
                del event[name]
    if event_type == "page" and is_blank(event.get("name", "absent")):
        event["name"] = "Unknown Page"
    instant = rfc3339(now)
    if is_blank(event.get("channel")):
        event["channel"] = "web"
    if "messageId" not in event:
        event["messageId"] = new_id()
    for name in ("originalTimestamp", "sentAt"):
        if is_blank(event.get(name)):
            event[name] = instant
    event.update(type=event_type, integrations={"All": True}, receivedAt=instant)
    _set_server_owned_context(event, source)
    return event


def _set_server_owned_context(event: Event, source: str | None) -> None:
    """Remove the fields of ``context`` that only the server sets, and add the source."""
    context = _object_in(event, "context") if source else event.get("context")
    if isinstance(context, dict):
        for name in ("ip", "source"):
            context.pop(name, None)
        if source:
            context["source"] = source


def _object_in(parent: dict[str, Any], name: str) -> dict[str, Any] | None:
    """The object called *name* in *parent*.

    If it is absent or blank, an empty one is added. Returns ``None`` if
    *parent* has something else by that name, such as a string or a list.
    """
    if is_blank(parent.get(name)):
        parent[name] = {}
    value = parent[name]
    return value if isinstance(value, dict) else None


def _clean_id(value: str, *, quoted: bool) -> str:
    value = value.strip()
    if quoted and len(value) >= 2 and value[0] == value[-1] == '"':  # AMP sends the client id as a JSON string
        value = value[1:-1].strip()
    return value


def rfc3339(seconds: float) -> str:
    """*seconds* since the epoch as RFC 3339, in UTC, with milliseconds and ``Z``."""
    whole, milliseconds = divmod(int(seconds * 1000), 1000)
    return f"{_rfc3339_seconds(whole)}.{milliseconds:03d}Z"


@lru_cache(maxsize=4)  # many events fall in the same second
def _rfc3339_seconds(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
