"""Events as the middleware hands them to a sink, one of each type."""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Mapping
from typing import Any

from ..events import EVENT_TYPES, Event

_INSTANT = "2026-11-23T12:34:56.789Z"
_PAGE = {
    "path": "/shoes",
    "referrer": "https://search.example/",
    "title": "Shoes",
    "url": "https://shop.example/shoes?utm_source=spring",
}
_ANONYMOUS: Event = {
    "anonymousId": "5f2b3a9e-6f4c-4a57-9d0e-0c8a1b7d2e63",
    "channel": "web",
    "context": {
        "ip": "203.0.113.7",
        "locale": "en-GB",
        "page": {"referrer": _PAGE["referrer"], "url": _PAGE["url"]},
        "userAgent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    },
    "integrations": {"All": True},
    "originalTimestamp": _INSTANT,
    "receivedAt": _INSTANT,
    "sentAt": _INSTANT,
}
# What each type adds. The visitor of a page, a screen or a track event is anonymous, as most are.
_OF_TYPE: dict[str, Event] = {
    "page": {"name": "Shoes", "properties": _PAGE},
    "track": {"event": "Order Completed", "properties": {"currency": "EUR", "plan": "pro", "revenue": 49.9}},
    "identify": {"userId": "user-42", "traits": {"email": "ada@example.com", "plan": "pro"}},
    "group": {"userId": "user-42", "groupId": "group-7", "traits": {"employees": 12, "name": "Initech"}},
    "alias": {"userId": "user-42", "previousId": "5f2b3a9e-6f4c-4a57-9d0e-0c8a1b7d2e63"},
    "screen": {"name": "Basket", "properties": {"items": 2}},
}


def sample_event(event_type: str = "track", /, **fields: Any) -> Event:
    """Return an event of *event_type* as a sink gets it, which the bundled schema of the type accepts.

    ::

        sample_event("track", event="Opened", context={"page": {"url": "https://shop.example/"}})

    The same arguments give an equal event each time; other arguments give
    another messageId. It shares nothing with any other event.

    :param event_type: ``page``, ``track``, ``identify``, ``group``, ``alias`` or ``screen``.
    :param fields: what the event has instead, or besides. A dict adds to the
        dict that is there, at any depth; anything else takes the place of what is there.
    :raises ValueError: for an unknown event type.
    """
    if event_type not in _OF_TYPE:
        raise ValueError(f"unknown event type {event_type!r}; known are {', '.join(EVENT_TYPES)}")
    event = merged(merged(_ANONYMOUS, _OF_TYPE[event_type]), fields)
    event.setdefault("type", event_type)
    if "messageId" not in fields:
        words = json.dumps([event_type, fields], sort_keys=True, default=repr)
        event["messageId"] = str(uuid.uuid5(uuid.NAMESPACE_URL, words))
    return event


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a deep copy of *base* with *changes*: a dict among them adds to the dict that is there."""
    result = {name: copy.deepcopy(value) for name, value in base.items()}
    for name, value in changes.items():
        there = result.get(name)
        both = isinstance(there, dict) and isinstance(value, Mapping)
        result[name] = merged(there, value) if both else copy.deepcopy(value)  # type: ignore[arg-type]  # a dict then
    return result
