"""One tracking plan in every format that plans come in, written after the formats, and what users do with it."""

from __future__ import annotations

import base64
import copy
import json
from pathlib import Path
from typing import Any

from pixelmw import TrackingPlan
from pixelmw.testing import collect

DRAFT_4 = "http://json-schema.org/draft-04/schema#"
DRAFT_7 = "http://json-schema.org/draft-07/schema#"
IGLU = "http://iglucentral.com/schemas/com.snowplowanalytics.self-desc/schema/jsonschema/1-0-0#"

#: The properties of an order, and the traits of a person.
ORDER: dict[str, Any] = {
    "type": "object",
    "required": ["order_id", "total"],
    "properties": {
        "order_id": {"type": "string"},
        "total": {"type": "number", "minimum": 0},
        "coupon": {"type": ["string", "null"]},
    },
}
PERSON: dict[str, Any] = {"type": "object", "properties": {"age": {"type": "integer"}}}


def whole(section: str, schema: dict[str, Any], **keywords: Any) -> dict[str, Any]:
    """The schema of a whole event, with *schema* for one section of it."""
    return {"$schema": DRAFT_7, "type": "object", "properties": {section: schema}, **keywords}


def noted(schema: dict[str, Any]) -> dict[str, Any]:
    """*schema* of properties with the notes that Segment's tools leave in one."""
    noted = copy.deepcopy(schema)
    noted["properties"]["total"]["id"] = "/properties/properties/properties/total"
    noted["properties"]["anything"] = {}
    return noted | {"$id": "/properties/properties"}


SEGMENT_ORDER = whole("properties", noted(ORDER), labels={"area": "shop"}, required=["properties"])
CATALOG_ORDER = whole("properties", {"$ref": "#/$defs/order"}) | {"$defs": {"order": ORDER | {"$schema": DRAFT_7}}}


def rule(kind: str, key: str | None, schema: Any, version: int = 1) -> dict[str, Any]:
    """A rule of Segment's Public API."""
    dates = {"createdAt": "2026-01-02T03:04:05.000Z", "deprecatedAt": "0001-01-01T00:00:00.000Z"}
    return {"type": kind, "key": key, "jsonSchema": schema, "version": version, **dates}


RULES = [rule("TRACK", "Order Completed", SEGMENT_ORDER), rule("TRACK", "Signed Up", None),
         rule("IDENTIFY", None, whole("traits", PERSON))]  # fmt: skip
CATALOG_EVENTS = [
    {"id": "ev_1", "name": "Order Completed", "eventType": "track", "categoryId": None,
     "identitySection": "properties", "rules": CATALOG_ORDER},
    {"id": "ev_2", "name": "Signed Up", "eventType": "track", "rules": {"required": [], "properties": {}}},
    {"id": "ev_3", "name": "", "eventType": "identify", "identitySection": "traits", "rules": whole("traits", PERSON)},
]  # fmt: skip
CONFIG_EVENTS = [{"name": "Order Completed", "description": "", "version": 1, "rules": SEGMENT_ORDER},
                 {"name": "Signed Up", "version": 1, "rules": whole("properties", {})}]  # fmt: skip

#: What marks the shape in ``TrackingPlan.shape``, and the plan.
PLANS: dict[str, Any] = {
    "Config API": {
        "name": "workspaces/shop/tracking-plans/rs_1", "display_name": "Shop", "create_time": "2026-01-02T03:04:05Z",
        "rules": {"events": CONFIG_EVENTS, "identify": whole("traits", PERSON), "identify_traits": [],
                  "group_traits": []},
    },
    "Public API": {"data": {"rules": RULES, "pagination": {"current": "MA==", "totalEntries": 3}}},
    "Typewriter 8": {
        "id": "tp_1", "resourceSchemaId": "rs_1", "name": "Shop", "type": "LIVE",
        "rules": [
            rule("TRACK", name, schema | {"$schema": DRAFT_7, "eventMetadata": {"name": name, "type": "TRACK"}})
            for name, schema in (("Order Completed", noted(ORDER)), ("Signed Up", {}))
        ],
    },
    "first form": {
        "name": "workspaces/shop/tracking-plans/rs_1", "display_name": "Shop", "version": 4,
        "rules": {
            "events": [{"id": f"ev_{index}", **event, "version": "1-0-0"} for index, event in enumerate(CONFIG_EVENTS)],
            "identify": whole("traits", PERSON) | {"version": "1-0-0"},
        },
    },
    "Data Catalog": {"id": "tp_1", "name": "Shop", "version": 4, "creationType": "Data catalog", "workspaceId": "w",
                     "events": CATALOG_EVENTS},
    "RudderTyper": {"id": "tp_1", "creationType": "Data catalog", "name": "Shop", "version": 4,
                    "rules": {"events": CATALOG_EVENTS}},
    "pixelmw": {"Order Completed": ORDER, "Signed Up": {}},
}  # fmt: skip
FOLDER = "a folder"
SHAPES = (*PLANS, FOLDER)
#: Those that can have schemas of other types than track.
WITH_TYPES = tuple(shape for shape in SHAPES if shape not in ("Typewriter 8", "pixelmw"))


def write(directory: Path, shape: str, order: dict[str, Any] | None = None) -> Path:
    """Write the plan of *shape* into *directory*.

    :param order: keywords for the schema of an order's properties.
    """
    if shape == FOLDER:
        (directory / "track").mkdir(parents=True)
        iglu = {
            "$schema": IGLU,
            "self": {"vendor": "shop", "name": "order", "format": "jsonschema", "version": "1-0-0"},
        }
        schemas = {
            "track/Order Completed": {**iglu, **ORDER, **(order or {})},
            "track/Signed Up": {},
            "identify": PERSON,
        }
        for name, schema in schemas.items():
            (directory / f"{name}.json").write_text(json.dumps(schema))
        return directory
    text = json.dumps(PLANS[shape])
    if order:  # its schema is the one that begins so, in every format
        beginning = '"required": ["order_id", "total"]'
        added = "".join(f", {json.dumps(keyword)}: {json.dumps(value)}" for keyword, value in order.items())
        assert text.count(beginning) == 1
        text = text.replace(beginning, beginning + added)
    path = directory / "plan.json"
    path.write_text(text, encoding="utf-8")
    return path


def event_of(query: str, plan: TrackingPlan, event_type: str = "track") -> dict[str, Any]:
    """The event that a pixel with *query* becomes, with *plan*.

    :raises Rejected: if it is refused.
    """
    url = f"/pixel/v1/{event_type}?userId=1&{query}"
    return collect(url, paths={f"/pixel/v1/{event_type}": event_type}, plan=plan)


def event_of_data(event: dict[str, Any], plan: TrackingPlan, **options: Any) -> dict[str, Any]:
    """The track event that *event* becomes if it is sent whole, as Segment's ``data``, with *plan*.

    The options are those of the collector.

    :raises Rejected: if it is refused.
    """
    data = base64.urlsafe_b64encode(json.dumps({"userId": "1", **event}).encode()).decode()
    return collect(f"/pixel/v1/track?data={data}", plan=plan, **options)
