"""Reads RudderStack's tracking plans: the first form, the Data Catalog's, and RudderTyper's.

The formats: rudderlabs/rudder-transformer, ``src/util/trackingPlan.js`` and its tests, and rudderlabs/rudder-typer,
``examples``.
"""

from __future__ import annotations

from typing import Any

from ..places import Place
from .contents import SECTION_OF_TYPE, Contents
from .quirks import DRAFT_2019_09
from .segment import plan_id, read_events, read_types


def read_first_form(plan: dict[str, Any], rules: dict[str, Any], place: Place, contents: Contents) -> None:
    """Read the form that is like Segment's Config API, with a version of the whole plan."""
    contents.shape, contents.id, contents.version = "RudderStack (first form)", plan_id(plan), plan.get("version")
    read_events(rules["events"], (*place, "events"), DRAFT_2019_09, contents)
    read_types(rules, place, DRAFT_2019_09, contents)


def read_catalog(plan: dict[str, Any], events: list[Any], place: Place, shape: str, contents: Contents) -> None:
    """Read the form in which each event has an ``eventType``."""
    contents.shape, contents.id, contents.version = shape, plan_id(plan), plan.get("version")
    for index, event in enumerate(events):
        event_type = event.get("eventType") if isinstance(event, dict) else None
        if not isinstance(event_type, str):
            contents.fault((*place, index), f"an event is an object with an eventType; this is {event!r:.100}")
            continue
        event_type = event_type.lower()
        if event_type == "alias":  # RudderStack judges none
            contents.ignored["eventType alias"] = None
            continue
        if event_type not in {"track", *SECTION_OF_TYPE}:
            contents.fault((*place, index, "eventType"), f"{event_type!r:.100} is no type of an event")
            continue
        section = event.get("identitySection")
        schema = event.get("rules")
        contents.add(
            event_type,
            event.get("name"),
            {} if schema is None else schema,
            (*place, index, "rules" if "rules" in event else "name"),
            fills=("context", "traits") if section == "context.traits" else (),
            dialect=DRAFT_2019_09,
        )
