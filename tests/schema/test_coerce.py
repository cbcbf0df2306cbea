"""Coercion: strings become values of the types that the schema names (rule 8 of the contract)."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.support.drafts import DRAFTS
from tests.support.pixel import Pixel

NUMBERS = {"type": "number"}
ANYTHING = {"type": "object"}


def coerced(properties: dict[str, Any], query: str) -> Any:
    """The event's ``properties`` after coercion by a schema that has *properties* for them."""
    schema = {"properties": {"properties": {"properties": properties}}}
    return Pixel(schemas={"track": schema}).track(query)["properties"]


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        pytest.param({"type": "integer"}, "1440", 1440, id="integer"),
        pytest.param({"type": "integer"}, "-7", -7, id="negative"),
        pytest.param({"type": "integer"}, "-0", 0, id="minus nought"),
        pytest.param({"type": "integer"}, "1.0", 1.0, id="an integer with a point"),
        pytest.param({"type": "integer"}, "1e3", 1000.0, id="an integer with an exponent"),
        pytest.param({"type": "number"}, "12", 12, id="a number without a point"),
        pytest.param({"type": "number"}, "12.50", 12.5, id="a number with a point"),
        pytest.param({"type": "number"}, "-2.5E-3", -0.0025, id="a number with an exponent"),
        pytest.param({"type": "number"}, "9" * 308, int("9" * 308), id="a large number that a double holds"),
        pytest.param({"type": "boolean"}, "true", True, id="true"),
        pytest.param({"type": "boolean"}, "false", False, id="false"),
        pytest.param({"type": "null"}, "null", None, id="null"),
        pytest.param({"type": ["integer", "null"]}, "null", None, id="one of several types"),
        pytest.param({"type": ["integer", "null"]}, "5", 5, id="the other of several types"),
        pytest.param({"type": ["integer", "string"]}, "5", "5", id="string is among them"),
        pytest.param({"type": "string"}, "5", "5", id="string"),
        pytest.param({}, "5", "5", id="no type named"),
        pytest.param({"const": "5"}, "5", "5", id="a constant that is a string"),
        pytest.param({"not": {"type": "integer"}}, "5", "5", id="not is not followed"),
        pytest.param({"type": "number"}, "%20 1", 1, id="blanks before a number"),
        pytest.param({"type": "number"}, "1.5%0A", 1.5, id="blanks behind a number"),
        pytest.param({"type": "number"}, "+1", 1, id="a plus is a blank"),
        pytest.param({"type": "number"}, "0e-400", 0.0, id="nought with an exponent"),
        pytest.param({"type": "number"}, "5e-324", 5e-324, id="the smallest number that a double holds"),
        pytest.param({"type": "boolean"}, "True", True, id="true as Python spells it"),
        pytest.param({"type": "boolean"}, "False", False, id="false as Python spells it"),
        pytest.param({"allOf": [{"type": "integer"}]}, "5", 5, id="allOf is followed"),
        pytest.param({"type": "number", "allOf": [{"type": "integer"}]}, "5", 5, id="types that agree"),
        pytest.param({"type": ["integer", "string"], "allOf": [{"type": "integer"}]}, "5", 5, id="only one remains"),
        pytest.param({"$ref": "#/$defs/size"}, "5", 5, id="a local reference"),
        pytest.param(
            {"$ref": "urn:pixelmw:common#/properties/context/properties/screen/properties/width"}, "5", 5, id="urn"
        ),
    ],
)
def test_a_string_that_is_the_json_text_of_a_named_type_becomes_it(
    schema: dict[str, Any], text: str, value: Any
) -> None:
    whole = {"$defs": {"size": {"type": "integer"}}, "properties": {"properties": {"properties": {"p": schema}}}}
    result = Pixel(schemas={"track": whole}).track(f"properties.p={text}")["properties"]["p"]
    assert (result, type(result)) == (value, type(value))


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        ("integer", "1.5"), ("integer", "1e999"), ("integer", "9" * 400), ("integer", "9" * 5000),
        ("number", "nan"), ("number", "Infinity"), ("number", "-Infinity"), ("number", "1e999"), ("number", "inf"),
        ("number", "%2B1"), ("number", "01"), ("number", "1."), ("number", ".5"), ("number", "1_0"), ("number", "0x1F"),
        ("number", "1 2"), ("number", "- 1"), ("number", "%D9%A1%D9%A2"), ("number", "%EF%BC%91"),
        ("number", "true"), ("number", "1e-400"), ("number", "-0.01e-400"),
        ("boolean", "TRUE"), ("boolean", "1"), ("boolean", "yes"), ("boolean", "+true"),
        ("null", "0"), ("null", "nil"),
        ("object", "{}"), ("array", "[]"), ("array", "1"),
    ],
)  # fmt: skip
def test_what_does_not_fit_stays_a_string_and_validation_judges(type_: str | list[str], text: str) -> None:
    pixel = Pixel(schemas={"track": {"properties": {"properties": {"properties": {"p": {"type": type_}}}}}})
    refusal = pixel.refused(f"writeKey=k&anonymousId=a&event=e&properties.p={text}")
    assert (refusal.path, refusal.rule) == ("properties.p", "type")
    assert refusal.event is not None
    assert isinstance(refusal.event["properties"]["p"], str)


@pytest.mark.parametrize(
    "text", ["", "+", "%E2%80%83", "%E2%80%8B", "undefined", "NaN", "None", "${width}", "{{width}}"]
)
@pytest.mark.parametrize("type_", ["integer", "number", "boolean", "null", "object", "array", ["integer", "null"]])
def test_a_string_that_says_nothing_is_removed_where_no_string_may_stand(type_: str | list[str], text: str) -> None:
    assert coerced({"p": {"type": type_}}, f"properties.p={text}&properties.q=1") == {"q": "1"}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        pytest.param({"type": ["integer", "null"]}, {"p": None}, id="where null is a type"),
        pytest.param(
            {"anyOf": [{"type": "integer"}, {"type": "null"}]}, {"p": None}, id="where null is an alternative"
        ),
        pytest.param({"enum": [1, None]}, {"p": None}, id="where null is among the values"),
        pytest.param({"type": "integer"}, {}, id="where it is not"),
        pytest.param({"type": ["integer", "string"]}, {"p": "null"}, id="where a string may stand"),
    ],
)
def test_null_of_json_comes_before_removal(schema: dict[str, Any], expected: Any) -> None:
    assert coerced({"p": schema}, "properties.p=null&properties.q=") == {**expected, "q": ""}


def test_a_page_view_of_a_page_that_knows_no_screen_is_not_lost(pixel: Pixel) -> None:
    event = pixel.page("context.screen.width=undefined&context.screen.height=NaN&context.screen.density=null")
    assert event["context"]["screen"] == {}


@pytest.mark.parametrize("schema", [{"type": "string"}, {"type": ["integer", "string"]}, {}, {"enum": ["", "x"]}])
def test_a_blank_string_is_kept_where_one_may_stand(schema: dict[str, Any]) -> None:
    assert coerced({"p": schema}, "properties.p=") == {"p": ""}


def test_a_required_value_that_is_blank_is_missing() -> None:
    schema = {"properties": {"properties": {"required": ["n"], "properties": {"n": NUMBERS}}}}
    refusal = Pixel(schemas={"track": schema}).refused("writeKey=k&event=e&properties.n=")
    assert (refusal.path, refusal.rule, refusal.message) == ("properties.n", "required", "properties.n is required")


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        pytest.param({"items": NUMBERS}, [1, 2, 3], id="items"),
        pytest.param({"prefixItems": [NUMBERS]}, [1, "2", "3"], id="prefixItems"),
        pytest.param({"prefixItems": [{}, NUMBERS], "items": NUMBERS}, ["1", 2, 3], id="both"),
        pytest.param({"prefixItems": [NUMBERS] * 5}, [1, 2, 3], id="more prefixItems than items"),
        pytest.param({"allOf": [{"prefixItems": [NUMBERS]}, {"items": NUMBERS}]}, [1, 2, 3], id="from two sides"),
        pytest.param({"contains": NUMBERS}, None, id="contains is not followed"),
    ],
)
def test_the_items_of_a_list_are_coerced(schema: dict[str, Any], expected: Any) -> None:
    pixel = Pixel(schemas={"track": {"properties": {"p": schema}}})
    query = "p.0=1&p.1=2&p.2=3"
    if expected is None:
        assert pixel.refused(f"writeKey=k&event=e&{query}").rule == "contains"
    else:
        assert pixel.track(query)["p"] == expected


@pytest.mark.parametrize(
    ("items", "expected"), [([NUMBERS], [1, "2", "3"]), ([{}, NUMBERS], ["1", 2, "3"])], ids=["first", "second"]
)
def test_the_items_of_older_drafts_are_coerced(items: list[Any], expected: Any) -> None:
    schema: dict[str, Any] = {"$schema": DRAFTS["draft 7"], "properties": {"p": {"items": items}}}
    assert Pixel(schemas={"track": schema}).track("p.0=1&p.1=2&p.2=3")["p"] == expected
    schema["properties"]["p"]["additionalItems"] = NUMBERS
    assert Pixel(schemas={"track": schema}).track("p.0=1&p.1=2&p.2=3")["p"][2] == 3


@pytest.mark.parametrize("text", ["", "undefined", "null"])
def test_items_that_say_nothing_are_removed_from_a_list_of_numbers(text: str) -> None:
    pixel = Pixel(schemas={"track": {"properties": {"p": {"items": NUMBERS}}}})
    assert pixel.track(f"p.0=1&p.1={text}&p.2=3")["p"] == [1, 3]


@pytest.mark.parametrize("draft", DRAFTS)
def test_nothing_is_removed_among_the_first_items_which_have_a_meaning_each(draft: str) -> None:
    firsts, others = ("prefixItems", "items") if draft == "draft 2020-12" else ("items", "additionalItems")
    schema = {firsts: [{}, NUMBERS], others: NUMBERS}
    pixel = Pixel(schemas={"track": {"$schema": DRAFTS[draft], "properties": {"p": schema}}})
    assert pixel.track("p.0=&p.1=2&p.2=&p.3=4")["p"] == ["", 2, 4]
    assert pixel.refused("writeKey=k&event=e&p.0=a&p.1=undefined").path == "p.1"


def test_up_to_draft_2019_09_prefix_items_mean_nothing() -> None:
    schema = {"$schema": DRAFTS["draft 2019-09"], "properties": {"p": {"prefixItems": [NUMBERS]}}}
    assert Pixel(schemas={"track": schema}).track("p.0=5")["p"] == ["5"]


def test_what_came_in_is_not_changed() -> None:
    shared = {"size": "5", "list": ["1", ""], "inner": {"size": "6"}}
    before = copy.deepcopy(shared)
    inner = {"properties": {"size": {"type": "integer"}, "list": {"items": NUMBERS}}}
    schema = {
        "properties": {"context": {"properties": {"ours": {**inner, "anyOf": [{"properties": {"inner": inner}}]}}}}
    }
    pixel = Pixel(schemas={"track": schema}, enrich=[lambda event, request: event["context"].update(ours=shared)])
    assert pixel.track("context.x=1")["context"]["ours"]["size"] == 5
    assert shared == before


def test_up_to_draft_7_a_reference_hides_what_stands_beside_it() -> None:
    schema = {"definitions": {"any": {}}, "properties": {"p": {"$ref": "#/definitions/any", "type": "integer"}}}
    assert Pixel(schemas={"track": schema}).refused("writeKey=k&event=e&p=x").rule == "type"
    schema["$schema"] = "http://json-schema.org/draft-07/schema#"
    assert Pixel(schemas={"track": schema}).track("p=5")["p"] == "5"


def test_a_schema_that_contains_itself_is_followed_all_the_way_down() -> None:
    node = {"properties": {"n": NUMBERS, "next": {"$ref": "#/$defs/node"}}}
    schema = {"$defs": {"node": node}, "properties": {"p": {"$ref": "#/$defs/node"}}}
    event = Pixel(schemas={"track": schema}).track("p.n=1&p.next.n=2&p.next.next.n=3")
    assert event["p"] == {"n": 1, "next": {"n": 2, "next": {"n": 3}}}


def test_nothing_is_built_out_of_text() -> None:
    refusal = Pixel().refused('writeKey=k&anonymousId=a&event=e&properties={"revenue":1}')
    assert (refusal.path, refusal.rule) == ("properties", "type")


def test_the_bundled_schemas_make_numbers_of_screen_sizes_and_drop_blank_ones(pixel: Pixel) -> None:
    event = pixel.page("context.screen.width=1440&context.screen.height=900.5&context.screen.density=")
    assert event["context"]["screen"] == {"width": 1440, "height": 900.5}


@pytest.mark.parametrize("side_by_side", [True, False])
@pytest.mark.parametrize(
    ("one", "other", "text", "value"),
    [
        pytest.param(["string", "boolean"], ["integer", "boolean"], "true", True, id="the one type that both take"),
        pytest.param(["string", "boolean"], ["integer", "boolean"], "5", "5", id="a type that only one of them takes"),
        pytest.param("string", "integer", "5", "5", id="no type that both take"),
    ],
)
def test_patterns_that_match_one_name_are_asked_together(
    one: Any, other: Any, text: str, value: Any, side_by_side: bool
) -> None:
    first, second = {"^p": {"type": one}}, {"p$": {"type": other}}
    schema: dict[str, Any] = {"patternProperties": first | second}
    if not side_by_side:
        schema = {"allOf": [{"patternProperties": first}, {"patternProperties": second}]}
    pixel = Pixel(schemas={"track": {"properties": {"properties": schema}}})
    pixel.get("/pixel/v1/track", f"writeKey=k&anonymousId=a&event=e&properties.p={text}")
    event = pixel.events[0] if pixel.events else pixel.refusals[0].event
    assert event is not None
    assert event["properties"]["p"] == value
