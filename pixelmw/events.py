"""Makes an event of parsed parameters: ids, defaults, times, and the fields that only the server sets."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from .errors import Rejected
from .text import id_says_nothing, is_blank, quoted, says_nothing, strip_invisible, wsgi_text

#: One event: a dict of strings, numbers, booleans, ``None``, lists and dicts, as JSON has them.
Event = dict[str, Any]

#: Where events go: any callable that takes an event. It returns once the event is stored, and raises if it is not.
Sink = Callable[[Event], object]


class SinkError(Exception):
    """A sink has not stored what it was given; the subclasses say what that means."""


class Undeliverable(SinkError):
    """The destination will never take this event, however often it is sent: it is too large, malformed or refused."""


def is_undeliverable(error: Exception) -> bool:
    """Whether *error* is an :class:`Undeliverable`, or a group of nothing else, as ``fan_out`` raises it."""
    if isinstance(error, ExceptionGroup):
        return error.split(Undeliverable)[1] is None
    return isinstance(error, Undeliverable)


#: The event types that have a schema in the package.
EVENT_TYPES = ("page", "track", "identify", "group", "alias", "screen")

#: The default paths of the pixels: ``PATH_INFO`` to event type.
PATHS = MappingProxyType({"/pixel/v1/page": "page", "/pixel/v1/track": "track"})

#: Segment's paths, of all six event types; ``paths=PATHS | SEGMENT_PATHS`` mounts both.
SEGMENT_PATHS = MappingProxyType({f"/v1/pixel/{event_type}": event_type for event_type in EVENT_TYPES})

_ID_FIELDS = ("messageId", "anonymousId", "userId", "groupId", "previousId")

# Enrichers may rely on these being objects.
_OBJECT_FIELDS = ("context", "properties", "traits")
_SERVER_OWNED = ("type", "integrations", "receivedAt")
_SERVER_OWNED_CONTEXT = frozenset(
    ["ip", "source", "omitted", "trackingPlanId", "trackingPlanVersion", "violationErrors"]
)


def checked_paths(paths: Mapping[str, str], event_types: Iterable[str]) -> dict[str, str]:
    """*paths*, which map paths to event types, with each path as a WSGI server spells it.

    :raises TypeError: if it is no mapping.
    :raises ValueError: if it is empty, a path does not begin with a slash, or an event type is none of *event_types*.
    """
    if not isinstance(paths, Mapping):
        raise TypeError(f"paths is {paths!r}: it maps paths to event types")
    if not paths:
        raise ValueError("paths is empty: no request could reach a pixel")
    for path, event_type in paths.items():
        if not isinstance(path, str) or not path.startswith("/"):
            raise ValueError(f"paths has {path!r}: a path is a string that begins with a slash")
        if event_type not in event_types:
            raise ValueError(f"paths has the unknown event type {event_type!r}; known are {', '.join(event_types)}")
    spelled = {wsgi_text(path): event_type for path, event_type in paths.items()}
    # A base URL with a slash at its end makes "//pixel/v1/page". Some servers hand that on, and some make it one slash.
    return {f"/{path}": event_type for path, event_type in spelled.items()} | spelled


def build_event(
    event_type: str, params: Mapping[str, Any], *, now: float, new_id: Callable[[], str], source: str | None
) -> Event:
    """The event that *params* stand for.

    It is a new dict. The values in it are those of *params*, and ``context`` is
    changed in place. An id that says nothing is left out, and so is a
    ``properties`` or ``traits``; in place of such a ``context`` there is an
    empty object.

    :param now: seconds since the epoch.
    :param new_id: makes a messageId if the client sent none.
    :param source: the source name that the write key stands for, if there is one.
    """
    event = dict(params)
    _remove_what_says_nothing(event)
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
    event["type"], event["integrations"], event["receivedAt"] = event_type, {"All": True}, instant
    context = event.setdefault("context", {})
    if isinstance(context, dict):
        if not _SERVER_OWNED_CONTEXT.isdisjoint(context):
            for name in _SERVER_OWNED_CONTEXT:
                context.pop(name, None)
        if source:
            context["source"] = source
    return event


def _remove_what_says_nothing(event: Event) -> None:
    """Remove ids, and what should be an object, if it says nothing; of the other ids, remove what cannot be seen."""
    for name in _ID_FIELDS:
        if name in event:
            event[name] = _clean_id(event[name], strip_quotes=name == "anonymousId")
            if event[name] is None:
                del event[name]
    for name in _OBJECT_FIELDS:
        if name in event and type(event[name]) is not dict and _is_nothing(event[name]):
            del event[name]


def params_of(event_type: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """What a client has to send for *event*: its fields without those that only the server sets.

    :raises TypeError: if *event* is no mapping.
    :raises ValueError: if it is of another type, or its ``context``, ``properties`` or ``traits`` is no mapping.
    """
    if not isinstance(event, Mapping):
        raise TypeError(f"the event is {event!r}: give a mapping")
    if event.get("type", event_type) != event_type:
        raise ValueError(f"the event is of type {event['type']!r}, and not of type {event_type!r}")
    for name in _OBJECT_FIELDS:
        if not isinstance(event.get(name), Mapping | None):
            raise ValueError(f"{name} is {event[name]!r}: give a mapping")
    params = {name: value for name, value in event.items() if name not in _SERVER_OWNED}
    if context := params.get("context"):
        params["context"] = {name: value for name, value in context.items() if name not in _SERVER_OWNED_CONTEXT}
    return params


def require_objects(event: Event) -> None:
    """Refuse *event* if ``context``, ``properties`` or ``traits`` is something else than an object.

    :raises Rejected: ``invalid``, with the name as its path and ``type`` as its rule.
    """
    for name in _OBJECT_FIELDS:
        if name in event and not isinstance(event[name], dict):
            message = f'{name} must be of type "object"; it is {quoted(event[name])}'
            raise Rejected("invalid", message, path=name, rule="type")


def _is_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, str) and says_nothing(value))


def _clean_id(value: Any, *, strip_quotes: bool) -> Any:
    """*value* without what cannot be seen around it, or ``None`` if it says nothing. What is no text stays as it is."""
    if not isinstance(value, str):
        return value
    value = strip_invisible(value)
    if strip_quotes and len(value) >= 2 and value[0] == value[-1] == '"':  # AMP sends the client id as a JSON string
        value = strip_invisible(value[1:-1])
    return None if id_says_nothing(value) else value


def rfc3339(seconds: float) -> str:
    """*seconds* since the epoch as RFC 3339, in UTC, with milliseconds and ``Z``."""
    whole, milliseconds = divmod(int(seconds * 1000), 1000)
    return f"{_rfc3339_seconds(whole)}.{milliseconds:03d}Z"


@lru_cache(maxsize=4)  # many events fall in the same second
def _rfc3339_seconds(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
