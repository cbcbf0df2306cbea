"""Reads Segment's tracking plans: Config API, Public API, and what Typewriter makes of them.

The formats: https://segment.com/docs/protocols/apis-and-extensions/, the models of Segment's public-api-sdk, and
segmentio/typewriter, ``src/api/trackingplans.ts``.
"""

from __future__ import annotations

import json
from typing import Any

from ..places import Place
from .contents import SECTION_OF_TYPE, Contents
from .quirks import DRAFT_7

_TYPES = {"track", *SECTION_OF_TYPE}


def read_config_api(plan: dict[str, Any], rules: dict[str, Any], place: Place, contents: Contents) -> None:
    """Read the form in which ``rules.events`` has the events, and further keys the other types."""
    contents.shape = "Segment Config API (Typewriter 7)" if place else "Segment Config API (Typewriter 6)"
    contents.id = plan_id(plan)
    read_events(rules["events"], (*place, "events"), DRAFT_7, contents)
    read_types(rules, place, DRAFT_7, contents)


def plan_id(plan: dict[str, Any]) -> str | None:
    """The plan's id. The older forms have it at the end of the name, ``workspaces/acme/tracking-plans/rs_1``."""
    if isinstance(plan.get("id"), str):
        return str(plan["id"])
    name = plan.get("name")
    return name.rpartition("/")[2] if isinstance(name, str) and name.startswith("workspaces/") else None


def read_events(events: list[Any], place: Place, dialect: str, contents: Contents) -> None:
    """Read track events, each with a name, ``rules`` and maybe a version."""
    for index, event in enumerate(events):
        if not isinstance(event, dict):
            contents.fault((*place, index), f"an event is an object; this is {event!r:.100}")
            continue
        schema = event.get("rules")
        contents.add(
            "track",
            event.get("name"),
            {} if schema is None else schema,
            (*place, index, "rules" if "rules" in event else "name"),
            version=event.get("version"),
            dialect=dialect,
        )


def read_types(rules: dict[str, Any], place: Place, dialect: str, contents: Contents) -> None:
    """Read the schemas of the other types, and the one of all events."""
    for key in ("global", *SECTION_OF_TYPE):
        if rules.get(key):
            contents.add(None if key == "global" else key, "", rules[key], (*place, key), dialect=dialect)
    for key in ("identify_traits", "group_traits"):
        if rules.get(key):  # lists of traits without schemas, for the eye
            contents.ignored[key] = None


def read_public_api(plan: dict[str, Any], rules: list[Any], place: Place, contents: Contents) -> None:
    """Read a list of rules, each with a type, a key, ``jsonSchema`` and a version."""
    contents.shape, contents.id = "Segment Public API", plan_id(plan)
    if any(isinstance(rule, dict) and _is_typewriters(_schema_of(rule)) for rule in rules):
        contents.shape = "Typewriter 8 (Segment Public API)"
    total = plan["pagination"].get("totalEntries") if isinstance(plan.get("pagination"), dict) else None
    if isinstance(total, int) and total > len(rules):
        contents.fault(("pagination",), f"it has {len(rules)} of {total} rules: put the pages together")
    for index, rule in enumerate(rules):
        _read_rule(rule, (*place, index), contents)


def _read_rule(rule: Any, place: Place, contents: Contents) -> None:
    event_type = rule.get("type") if isinstance(rule, dict) else None
    if not isinstance(event_type, str):
        return contents.fault(place, f"a rule is an object with a type; this is {rule!r:.100}")
    event_type = event_type.lower()
    if event_type not in {"common", *_TYPES}:
        return contents.fault((*place, "type"), f"{event_type.upper()!r:.100} is no type of a rule")
    schema = _schema_of(rule)
    is_typewriters = _is_typewriters(schema)
    contents.add(
        None if event_type == "common" else event_type,
        rule.get("key"),
        {} if schema is None else schema,
        (*place, next((name for name in ("jsonSchema", "json_schema") if name in rule), "key")),
        section=(SECTION_OF_TYPE.get(event_type, "properties"),) if is_typewriters else (),
        version=rule.get("version"),
        dialect=DRAFT_7,
    )
    return None


def _schema_of(rule: dict[str, Any]) -> Any:
    """The schema of a rule. Terraform calls it json_schema, and keeps it as text."""
    schema = rule.get("jsonSchema", rule.get("json_schema"))
    if isinstance(schema, str):
        try:
            return json.loads(schema)
        except ValueError:
            return schema
    return schema


def _is_typewriters(schema: Any) -> bool:
    """True if Typewriter 8 has put the schema of the properties in place of that of the event."""
    return isinstance(schema, dict) and isinstance(schema.get("eventMetadata"), dict)
