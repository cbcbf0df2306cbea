"""Recognises the format of a plan by its structure, and reads it.

==========================  ==============================================================================
What marks it               What it is
==========================  ==============================================================================
a list, or ``rules`` that   Segment's Public API; Typewriter 8 if a schema has ``eventMetadata``
is a list
``rules.events``            Segment's Config API, which Typewriter 7 keeps; RudderStack's first form if the plan
                            has a ``version``; RudderTyper if the events have an ``eventType``
``events`` that is a list   RudderStack's present form; Typewriter 6 if the events have no ``eventType``
names and objects           our own: event name to schema of its properties
==========================  ==============================================================================
"""

from __future__ import annotations

from typing import Any

from .contents import Contents
from .rudderstack import read_catalog, read_first_form
from .segment import read_config_api, read_public_api

OURS = "pixelmw: event names and schemas of their properties"
# A schema that was given in place of a plan has nothing else at its top.
_OF_A_SCHEMA = {"$defs", "$id", "$schema", "additionalProperties", "allOf", "anyOf", "definitions", "description",
                "oneOf", "properties", "required", "title", "type"}  # fmt: skip


def read_value(value: Any, contents: Contents) -> None:
    """Read a plan, which is JSON, into *contents*; what is wrong with it becomes a fault there."""
    if isinstance(value, list):
        return read_public_api({}, value, (), contents)
    if not isinstance(value, dict):
        return contents.fault((), f"a plan is an object or a list; this is {value!r:.100}")
    for wrapper in ("data", "trackingPlan"):
        inner = value.get(wrapper)
        if isinstance(inner, dict) and {"rules", "trackingPlan"} & inner.keys() and not _is_schema(inner):
            nested = Contents()
            read_value(inner, nested)
            return _adopt(nested, contents, wrapper)
    rules, events = value.get("rules"), value.get("events")
    if isinstance(rules, list):
        return read_public_api(value, rules, ("rules",), contents)
    if isinstance(rules, dict) and isinstance(rules.get("events"), list):
        if _has_event_types(rules["events"]) or "creationType" in value:
            return read_catalog(value, rules["events"], ("rules", "events"), "RudderTyper (RudderStack)", contents)
        first_form = "version" in value or any(isinstance(rules.get(key), dict) for key in ("page", "screen"))
        return (read_first_form if first_form else read_config_api)(value, rules, ("rules",), contents)
    if isinstance(events, list):
        if _has_event_types(events) or not events or "workspaceId" in value:
            return read_catalog(value, events, ("events",), "RudderStack Data Catalog", contents)
        return read_config_api(value, value, (), contents)
    return read_ours(value, contents)


def read_ours(value: dict[str, Any], contents: Contents) -> None:
    """Read event names and schemas of their properties."""
    contents.shape = OURS
    if isinstance(value.get("kind"), str):
        return contents.fault(("kind",), "the Rudder CLI's files hold no schemas: download the plan as JSON instead")
    if isinstance(value.get("self"), dict) and "vendor" in value["self"]:
        reason = "an Iglu schema is about one event: put it into a folder, as track/NAME OF THE EVENT.json"
        return contents.fault(("self",), f"{reason}, and load that")
    if value and value.keys() <= _OF_A_SCHEMA:
        reason = "it is a schema, and a plan maps event names to schemas: put it under the name of its event"
        return contents.fault((), reason)
    for name, schema in value.items():
        contents.add("track", name, schema, (name,), section=("properties",))
    return None


def _has_event_types(events: list[Any]) -> bool:
    return any(isinstance(event, dict) and "eventType" in event for event in events)


def _is_schema(value: dict[str, Any]) -> bool:
    return value.keys() <= _OF_A_SCHEMA


def _adopt(nested: Contents, contents: Contents, wrapper: str) -> None:
    """Take over what was read from an object that another one wraps."""
    for name in ("shape", "id", "version", "planned", "ignored"):
        setattr(contents, name, getattr(nested, name))
    contents.faults += [((wrapper, *place), reason) for place, reason in nested.faults]
