"""Schemas of every family, each with a query of up to 250 parameters that it accepts, and one that it refuses."""

from __future__ import annotations

from typing import Any

PREFIX = "writeKey=k&anonymousId=a&event=Event+7"
Schema = dict[str, Any]
NUMBER: Schema = {"type": "number"}
OPTIONAL: Schema = {"anyOf": [NUMBER, {"type": "null"}]}
HALVES: Schema = {"enum": [number + 0.5 for number in range(250)]}
DRAFT_7 = "http://json-schema.org/draft-07/schema#"


def properties(schemas: Schema) -> Schema:
    """A schema of an event whose properties have *schemas*."""
    return {"properties": {"properties": {"properties": schemas}}}


def query(*parameters: str) -> str:
    """A query with *parameters*, whose names are those of properties."""
    return "&".join([PREFIX, *(f"properties.{parameter}" for parameter in parameters)])


def numbers(last: str, count: int = 240) -> str:
    """Properties that are numbers, and the *last* one of them."""
    return query(*(f"n{index}={index}.5" for index in range(count)), f"n{count}={last}")


def lines(line: str, last: str, count: int = 120) -> str:
    """Order lines of two parameters each, and the *last* one of them."""
    parameters = [f"lines.{index}.{each}" for index in range(count) for each in line.split("&")]
    return query(*parameters, *(f"lines.{count}.{each}" for each in last.split("&")))


def chain(last: str, depth: int = 6) -> str:
    """An object in an object and so on, each with four properties."""
    parameters = [f"{'next.' * level}{name}=5" for level in range(depth) for name in "abcd"]
    return query(*(f"node.{each}" for each in parameters), f"node.{'next.' * depth}{last}")


def _per_event(count: int) -> list[Schema]:
    return [
        {
            "required": ["event", "properties"],
            "properties": {
                "event": {"const": f"Event {index}"},
                "properties": {"required": ["n0"], "additionalProperties": NUMBER},
            },
        }
        for index in range(count)
    ]


_NAMES = [f"n{index}" for index in range(241)]
_LINE: Schema = {"properties": {"kind": {"type": "string"}, "total": NUMBER}, "required": ["kind", "total"]}
_KINDS = [
    {"properties": {"kind": {"const": f"kind {index}"}, "total": NUMBER}, "required": ["kind", "total"]}
    for index in range(50)
]
_NODE = {
    "oneOf": [
        {
            "properties": {name: NUMBER, "next": {"$ref": "#/$defs/node"}, "kind": {"const": name}},
            "required": [name, "kind"],
        }
        for name in "abcd"
    ]
}

#: Family -> the schema, a query that it accepts, and one that it refuses.
FAMILIES: dict[str, tuple[Schema, str, str]] = {
    "numbers": (properties(dict.fromkeys(_NAMES, NUMBER)), numbers("5"), numbers("x")),
    "numbers, draft 7": (
        {"$schema": DRAFT_7, **properties(dict.fromkeys(_NAMES, NUMBER))},
        numbers("5"),
        numbers("x"),
    ),
    "optional numbers": (properties(dict.fromkeys(_NAMES, OPTIONAL)), numbers("5"), numbers("x")),
    "enums of numbers": (
        properties(dict.fromkeys(_NAMES, HALVES)),
        numbers("5.5"),
        numbers("x"),
    ),
    "additionalProperties": (
        {"properties": {"properties": {"additionalProperties": OPTIONAL}}},
        numbers("5"),
        numbers("x"),
    ),
    "patternProperties": (
        {"properties": {"properties": {"patternProperties": {"^n": NUMBER, "5$": {"minimum": 0}}}}},
        numbers("5"),
        numbers("x"),
    ),
    "unevaluatedProperties": (
        {"properties": {"properties": {"allOf": [{"properties": dict.fromkeys(_NAMES, NUMBER)}],
                                       "unevaluatedProperties": False}}},
        numbers("5"), numbers("5") + "&properties.other=1",
    ),
    "200 branches of a oneOf": ({"oneOf": _per_event(200)}, numbers("5"), numbers("x")),
    "200 rules of if and then": (
        {"allOf": [{"if": {"properties": {"event": {"const": f"Event {index}"}}}, "then": each}
                   for index, each in enumerate(_per_event(200))]},
        numbers("5"), numbers("x"),
    ),
    "no branch for the event": ({"oneOf": _per_event(7)}, numbers("5").replace("Event+7", "Event+6"), numbers("5")),
    "order lines": (
        properties({"lines": {"items": _LINE}}), lines("kind=a&total=5", "kind=a&total=5"), lines("kind=a&x=5", "y=1")
    ),
    "order lines of 50 kinds": (
        properties({"lines": {"items": {"oneOf": _KINDS}}}),
        lines("kind=kind 49&total=5", "kind=kind 0&total=5"),
        lines("kind=kind 49&total=5", "kind=kind 0&total=x"),
    ),
    "order lines that are unique": (
        properties({"lines": {"uniqueItems": True, "items": {"properties": {"n": NUMBER}}}}),
        query(*(f"lines.{index}.n={index}" for index in range(240))),
        query(*(f"lines.{index}.n={index % 239}" for index in range(240))),
    ),
    "patterns": (
        properties({name: {"pattern": r"^[0-9]+(\.[0-9]+)?$"} for name in _NAMES}), numbers("5.5"), numbers("x")
    ),
    "a pattern of the second degree": (
        properties({"p": {"pattern": r"\s+$"}}), query("p=" + "+" * 1998 + "x+"), query("p=" + "+" * 1999 + "x")
    ),
    "a pattern of the third degree": (
        properties({"p": {"pattern": r"^[A-Za-z]+ ?[A-Za-z]+ ?[A-Za-z]+$"}}),
        query("p=" + "x" * 228), query("p=" + "x" * 227 + "!"),
    ),
    "patterns of the third degree, in many texts": (
        properties({"list": {"items": {"pattern": r"^[A-Za-z]+ ?[A-Za-z]+ ?[A-Za-z]+$"}}}),
        query(*(f"list.{index}={'x' * 25}" for index in range(240))),
        query(*(f"list.{index}={'x' * 100}!" for index in range(240))),
    ),
    "a text that is too long for its pattern": (
        properties({"p": {"anyOf": [{"pattern": r"\s+$"}, {"minLength": 1}]}}),
        query("p=" + "x" * 30_000), query("p="),
    ),
    "prices": (
        properties({name: {**NUMBER, "multipleOf": 0.01} for name in _NAMES}), numbers("4.02"), numbers("4.021")
    ),
    "contains": (
        properties({"list": {"contains": {"const": "x"}}}),
        query(*(f"list.{index}=a" for index in range(240)), "list.240=x"),
        query(*(f"list.{index}=a" for index in range(240))),
    ),
    "a oneOf that contains itself": (
        {"$defs": {"node": _NODE}, **properties({"node": {"$ref": "#/$defs/node"}})},
        query(*(f"node.{'next.' * level}{each}" for level in range(7) for each in ("a=5", "kind=a"))),
        chain("a=x&properties.node.kind=a"),
    ),
}  # fmt: skip
