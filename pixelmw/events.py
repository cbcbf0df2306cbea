"""Makes an event of parsed parameters: ids, defaults, times, and what only the server may say."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from .text import is_blank

#: One event: a dict that holds only what JSON knows.
Event = dict[str, Any]

#: Where events go: any callable that has stored the event once it returns, and raises otherwise.
Sink = Callable[[Event], object]

#: The event types that have a schema in the package.
EVENT_TYPES = ("page", "track", "identify", "group", "alias", "screen")

_IDS = ("messageId", "anonymousId", "userId", "groupId", "previousId")


def build_event(
    event_type: str, params: Mapping[str, Any], *, now: float, new_id: Callable[[], str], source: str | None
) -> Event:
    """The event that *params* stand for, new at its top and in ``context``.

    :param now: seconds since the epoch.
    :param new_id: makes a messageId where the client sent none.
    :param source: the source name that the write key stands for.
    """
    event = dict(params)
    for name in _IDS:
        if isinstance(event.get(name), str):
            event[name] = _bare_id(event[name], quoted=name == "anonymousId")
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
    _own_context(event, source)
    return event


def _own_context(event: Event, source: str | None) -> None:
    """Take what only the server may say out of ``context``, and put the source in."""
    context = sub_object(event, "context") if source else event.get("context")
    if isinstance(context, dict):
        for name in ("ip", "source"):
            context.pop(name, None)
        if source:
            context["source"] = source


def sub_object(parent: dict[str, Any], name: str) -> dict[str, Any] | None:
    """The object called *name* in *parent*, made where there is none; ``None`` where something else stands there."""
    if is_blank(parent.get(name)):
        parent[name] = {}
    value = parent[name]
    return value if isinstance(value, dict) else None


def _bare_id(value: str, *, quoted: bool) -> str:
    value = value.strip()
    if quoted and len(value) >= 2 and value[0] == value[-1] == '"':  # as AMP sends a client id that was JSON
        value = value[1:-1].strip()
    return value


def rfc3339(seconds: float) -> str:
    """*seconds* since the epoch as RFC 3339, in UTC, with milliseconds and ``Z``."""
    whole, milliseconds = divmod(int(seconds * 1000), 1000)
    return f"{_to_the_second(whole)}.{milliseconds:03d}Z"


@lru_cache(maxsize=4)  # in one second, many events
def _to_the_second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
