"""Coercion reaches to wherever a schema asks for a type: a schema that a query could satisfy is satisfied by one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.drafts import DRAFTS
from tests.support.pixel import Pixel

Schema = dict[str, Any]
INTEGER: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
BOOLEAN: Schema = {"type": "boolean"}
NULL: Schema = {"type": "null"}
OPTIONAL: Schema = {"anyOf": [INTEGER, NULL]}  # what Pydantic writes for int | None


def place(schema: Schema, **root: Any) -> Pixel:
    """A pixel whose track events have *schema* for ``p``."""
    return Pixel(schemas={"track": {"properties": {"p": schema}, **root}})


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        pytest.param(OPTIONAL, "5", 5, id="an optional number"),
        pytest.param(OPTIONAL, "null", None, id="an optional number that is null"),
        pytest.param({"anyOf": [NULL, NUMBER]}, "5.5", 5.5, id="the second alternative"),
        pytest.param({"oneOf": [BOOLEAN, INTEGER]}, "true", True, id="oneOf"),
        pytest.param({"anyOf": [INTEGER, {"type": "string"}]}, "5", "5", id="what satisfies it now stays"),
        pytest.param({"anyOf": [{"type": "string", "maxLength": 1}, INTEGER]}, "55", 55, id="unless it does not"),
        pytest.param({"anyOf": [{**INTEGER, "minimum": 9}, NUMBER]}, "5", 5, id="the first that is satisfied decides"),
        pytest.param({"anyOf": [{"anyOf": [NULL, {"oneOf": [BOOLEAN, NUMBER]}]}]}, "5", 5, id="nested alternatives"),
        pytest.param({"allOf": [{"anyOf": [INTEGER, NULL]}]}, "5", 5, id="within allOf"),
        pytest.param({"$ref": "#/$defs/optional"}, "5", 5, id="behind a reference"),
        pytest.param({"anyOf": [{"$ref": "#/$defs/integer"}, NULL]}, "5", 5, id="a reference in an alternative"),
        pytest.param({"enum": [1, 2, 5]}, "5", 5, id="numbers in an enum"),
        pytest.param({"enum": [1, "5", 5]}, "5", "5", id="a text among the values stays"),
        pytest.param({"enum": [True, None]}, "True", True, id="a boolean in an enum"),
        pytest.param({"const": 5}, "5.0", 5.0, id="a constant number, spelled in another way"),
        pytest.param({"const": False}, "false", False, id="a constant boolean"),
        pytest.param({"enum": [1], "type": ["integer", "string"]}, "1", 1, id="an enum narrows the types"),
        pytest.param({"if": {"const": "5"}, "then": INTEGER}, "5", 5, id="if and then"),
        pytest.param({"if": {"const": "x"}, "else": INTEGER}, "5", 5, id="if and else"),
        pytest.param({"if": INTEGER, "then": {"minimum": 5}}, "5", 5, id="an if that is satisfied by its own coercion"),
        pytest.param({"if": {"minimum": 5}, "then": {"type": "string"}}, "1", "1", id="an if without a type"),
    ],
)  # fmt: skip
def test_a_text_becomes_what_its_place_asks_for(schema: Schema, text: str, value: Any) -> None:
    pixel = place(schema, **{"$defs": {"optional": OPTIONAL, "integer": INTEGER}})
    result = pixel.track(f"p={text}")["p"]
    assert (result, type(result)) == (value, type(value))


@pytest.mark.parametrize("text", ["", "undefined", "NaN", "%7B%7Bcount%7D%7D"])
@pytest.mark.parametrize(
    "schema", [OPTIONAL, {"oneOf": [INTEGER, BOOLEAN]}, {"enum": [1, 2]}, {"if": True, "then": INTEGER, "else": NULL}]
)
def test_what_says_nothing_is_removed_if_no_alternative_takes_a_string(schema: Schema, text: str) -> None:
    assert "p" not in place(schema).track(f"p={text}")


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        pytest.param({"anyOf": [INTEGER, {"type": "string", "minLength": 99}]}, "undefined", id="one takes a string"),
        pytest.param({"enum": [1, "a"]}, "", id="a value is a string"),
        pytest.param({"anyOf": [{**INTEGER, "minimum": 9}, NULL]}, "5", id="no alternative is satisfied"),
        pytest.param({"enum": [1, 2]}, "7", id="no such value"),
        pytest.param({"const": True}, "1", id="1 is not true"),
    ],
)
def test_what_satisfies_no_alternative_stays_a_string_and_is_refused(schema: Schema, text: str) -> None:
    refusal = place(schema).refused(f"writeKey=k&event=e&p={text}")
    assert refusal.path == "p"
    assert refusal.event is not None
    assert refusal.event["p"] == text


@pytest.mark.parametrize("draft", DRAFTS)
def test_names_that_a_schema_does_not_list_are_coerced(draft: str) -> None:
    schema = {
        "properties": {"a": {}, "x": NUMBER},
        "patternProperties": {"^n_": INTEGER, "_b$": {"enum": [True, 5]}, "^x": {}},
        "additionalProperties": OPTIONAL,
    }
    pixel = place(schema, **{"$schema": DRAFTS[draft]})
    event = pixel.track("p.a=5&p.x=5&p.n_1=5&p.n_b=5&p.b_b=true&p.x2=5&p.other=5&p.void=")
    assert event["p"] == {"a": "5", "x": 5, "n_1": 5, "n_b": 5, "b_b": True, "x2": "5", "other": 5}


ORDER = {"if": {"properties": {"event": {"const": "Order"}}, "required": ["event"]},
         "then": {"properties": {"properties": {"properties": {"total": NUMBER}, "required": ["total"]}}}}  # fmt: skip
SIGN_UP = {"if": {"properties": {"event": {"enum": ["Signed Up"]}}},
           "then": {"properties": {"properties": {"properties": {"age": INTEGER, "total": {"type": "string"}}}}},
           "else": {"properties": {"properties": {"properties": {"free": BOOLEAN}}}}}  # fmt: skip


@pytest.mark.parametrize("schema", [{"allOf": [ORDER, SIGN_UP]}, {**ORDER, "allOf": [SIGN_UP]}], ids=["list", "nested"])
def test_each_event_has_its_own_rules(schema: Schema) -> None:
    pixel = Pixel(schemas={"track": schema})

    def properties(event: str, query: str) -> Any:
        return pixel.collected("/pixel/v1/track", f"writeKey=k&event={event}&{query}")["properties"]

    assert properties("Order", "properties.total=9.90&properties.free=true") == {"total": 9.9, "free": True}
    assert properties("Signed+Up", "properties.total=9&properties.age=33") == {"total": "9", "age": 33}
    assert properties("Other", "properties.total=9&properties.free=true") == {"total": "9", "free": True}
    assert pixel.refused("writeKey=k&event=Order&properties.total=x").path == "properties.total"


@pytest.mark.parametrize("count", [4, 50])
def test_of_many_rules_those_of_the_event_apply(count: int) -> None:
    def rule(index: int) -> Schema:
        of_event: Schema = {"properties": {"event": {"const": f"E{index}"}}}
        return {"if": of_event, "then": {"properties": {"n": INTEGER}, "required": [f"need{index}"]}}

    always: Schema = {"required": ["always"], "properties": {"always": BOOLEAN}}
    pixel = Pixel(schemas={"track": {"allOf": [*map(rule, range(count)), always]}})
    last = f"writeKey=k&always=true&event=E{count - 1}&n=5"
    event = pixel.collected("/pixel/v1/track", f"{last}&need{count - 1}=1")
    assert (event["n"], event["always"]) == (5, True)
    assert pixel.refused(last).path == f"need{count - 1}"
    assert pixel.refused(last.replace("always=true&", "")).path == "always"
    assert pixel.collected("/pixel/v1/track", "writeKey=k&always=true&event=other&n=5")["n"] == "5"
    # Without a name, each if holds, since it says nothing about what is absent. So it is for a name that says nothing.
    assert pixel.refused("writeKey=k&always=true&n=5").path == "need0"


def test_a_branch_is_found_by_what_an_enricher_leaves() -> None:
    def number_the_event(event: dict[str, Any], request: object) -> None:
        event["event"] = 5

    numbered: Schema = {"properties": {"event": {"const": 5}}, "required": ["n"]}
    schema: Schema = {"anyOf": [*({"properties": {"event": {"const": f"E{n}"}}} for n in range(4)), numbered]}
    pixel = Pixel(schemas={"track": schema}, enrich=[number_the_event])
    assert pixel.track("n=1")["event"] == 5
    assert pixel.refused("writeKey=k&event=E1").path == "n"


def branch(name: str) -> Schema:
    return {
        "properties": {
            "event": {"const": name},
            "properties": {"properties": {"total": NUMBER}, "required": ["total"]},
        },
        "required": ["event", "properties"],
    }


@pytest.mark.parametrize("count", [2, 3, 4, 200])
@pytest.mark.parametrize("keyword", ["oneOf", "anyOf"])
def test_one_branch_for_each_event(keyword: str, count: int) -> None:
    pixel = Pixel(schemas={"track": {keyword: [branch(f"E{index}") for index in range(count)]}})
    for name in ("E0", f"E{count - 1}"):
        event = pixel.collected("/pixel/v1/track", f"writeKey=k&event={name}&properties.total=5")
        assert event["properties"] == {"total": 5}
    assert pixel.refused("writeKey=k&event=Nope&properties.total=5").path == "event"
    assert pixel.refused("writeKey=k&properties.total=5").path == "event"


@pytest.mark.parametrize("draft", ["draft 4", "draft 6", "draft 7", "draft 2019-09", "draft 2020-12"])
def test_a_schema_that_depends_on_a_property_coerces(draft: str) -> None:
    keyword = "dependencies" if draft in ("draft 4", "draft 6", "draft 7") else "dependentSchemas"
    schema = {"$schema": DRAFTS[draft], keyword: {"coupon": {"properties": {"discount": NUMBER}}}}
    pixel = Pixel(schemas={"track": schema})
    assert pixel.track("coupon=c&discount=5")["discount"] == 5
    assert pixel.track("discount=5")["discount"] == "5"


@pytest.mark.parametrize(
    "schema",
    [
        {"contains": INTEGER, "minContains": 0},
        {"items": {"not": {"type": "string"}}, "minItems": 9},
        {"unevaluatedItems": {"anyOf": [{}, INTEGER]}},
    ],
)
def test_what_only_looks_at_a_value_coerces_nothing(schema: Schema) -> None:
    pixel = place({"anyOf": [schema, {}]})
    assert pixel.track("p.0=5")["p"] == ["5"]


def test_as_it_is_wins_over_what_it_could_become() -> None:
    alternatives = [{"properties": {"total": NUMBER}, "required": ["total"]}, {"required": ["free"]}]
    pixel = Pixel(schemas={"track": {"anyOf": alternatives}})
    assert pixel.track("total=5")["total"] == 5
    assert pixel.track("total=5&free=yes")["total"] == "5"


def test_in_draft_4_a_number_with_a_point_is_no_integer() -> None:
    draft_4 = Pixel(schemas={"track": {"$schema": DRAFTS["draft 4"], "properties": {"p": INTEGER}}})
    assert draft_4.refused("writeKey=k&event=e&p=1.0").path == "p"
    assert draft_4.track("p=1")["p"] == 1
    assert place(INTEGER).track("p=1.0")["p"] == 1.0


def test_the_order_of_parameters_never_matters() -> None:
    alternatives = [branch("A"), {"properties": {"properties": {"properties": {"n": OPTIONAL}}}, "required": ["x"]}]
    pixel = Pixel(schemas={"track": {"anyOf": alternatives}})
    first = pixel.track("event=B&x=1&properties.n=5&properties.total=6")
    second = pixel.collected(
        "/pixel/v1/track", "properties.total=6&properties.n=5&x=1&event=e&anonymousId=a&writeKey=k"
    )
    assert first["properties"] == second["properties"] == {"n": 5, "total": "6"}
