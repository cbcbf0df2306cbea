"""What people reported of other validators' alternatives, tried here: coercion, cost, and words.

Coercion: ajv 183, 252, 734 and 2370. Cost: json-schema-validator (networknt) 1276, json-editor 792,
vscode-json-languageservice 246. Words: jsonschema 345, 918 and 561, fastjsonschema 72.
"""

from __future__ import annotations

from typing import Any

import pytest

from pixelmw import Rejected
from pixelmw.schema import EventSchema
from tests.support.drafts import DRAFTS
from tests.support.pixel import Pixel
from tests.support.times import check_times

Schema = dict[str, Any]
NULL: Schema = {"type": "null"}


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        pytest.param({"oneOf": [NULL, {"type": "integer"}]}, "null", None, id="ajv 183, null"),
        pytest.param({"oneOf": [NULL, {"type": "integer"}]}, "0", 0, id="ajv 183, 0 is not null, too"),
        pytest.param({"oneOf": [{"type": "string"}, NULL]}, "null", "null", id="ajv 252, a string stays one"),
        pytest.param({"oneOf": [NULL, {"type": "string", "pattern": "^M+$"}]}, "null", None, id="ajv 734, null"),
        pytest.param({"oneOf": [{"const": None}, {"type": "string", "minLength": 1}]}, "null", "null", id="ajv 2370"),
    ],
)
def test_no_alternative_sees_what_another_one_made_of_a_value(schema: Schema, text: str, value: Any) -> None:
    assert Pixel(schemas={"track": {"properties": {"p": schema}}}).track(f"p={text}")["p"] == value


def test_a_blank_text_does_not_become_null() -> None:
    """Ajv 734 wants null; but a blank text is none in JSON, and there is an alternative that takes strings."""
    schema = {"properties": {"p": {"oneOf": [NULL, {"type": "string", "pattern": "^M+$"}]}}}
    assert Pixel(schemas={"track": schema}).refused("writeKey=k&event=e&p=").path == "p"


def check_refused_within(seconds: float, schema: Schema, value: Any) -> None:
    compiled = EventSchema("s", schema)

    def judge() -> None:
        with pytest.raises(Rejected):
            compiled.coerce_and_validate({"p": value})

    check_times(lambda took: took < seconds, judge)


def test_arms_that_descend_into_the_same_child_cost_in_proportion_to_the_depth() -> None:
    arms = [{"type": "array", "items": {"$ref": "#/$defs/n"}, size: limit} for size, limit in
            (("minItems", 0), ("maxItems", 99))]  # fmt: skip
    value: Any = "x"
    for _ in range(40):  # at 22 levels, the reporter's two gigabytes were used up
        value = [value]
    check_refused_within(0.1, {"$defs": {"n": {"anyOf": arms}}, "properties": {"p": {"$ref": "#/$defs/n"}}}, value)


def test_an_expression_of_operators_costs_in_proportion_to_its_size() -> None:
    operator: Schema = {"properties": {"operands": {"items": {"$ref": "#/$defs/expression"}}}, "required": ["operands"]}
    kinds = [{**operator, "properties": {**operator["properties"], "type": {"const": name}}} for name in "ABCDE"]
    value: Any = {"type": "A", "operands": [{"type": "X"}]}
    for level in range(8):
        value = {"type": "ABCDE"[level % 5], "operands": [value, {"type": "B", "operands": []}]}
    schema = {"$defs": {"expression": {"oneOf": kinds}}, "properties": {"p": {"$ref": "#/$defs/expression"}}}
    check_refused_within(0.1, schema, value)


def test_a_thousand_branches_cost_little() -> None:
    branches = [{"properties": {"kind": {"const": f"k{n}"}, "size": {"type": "integer"}}} for n in range(1000)]
    check_refused_within(0.02, {"properties": {"p": {"oneOf": branches}}}, {"kind": "k999", "size": "x"})


@pytest.mark.parametrize("draft", DRAFTS)
def test_the_branch_that_was_meant_is_named_though_another_one_comes_first(draft: str) -> None:
    """The shape of jsonschema 918: qualifications, each of a type that says which properties it has."""
    kinds = {"adapter": ("maximum", 8), "memory": ("units", 64), "cores": ("minimum", 1)}
    branches = [
        {
            "properties": {"type": {"enum": [kind]}, name: {"type": "integer", "minimum": least}},
            "required": ["type", name],
        }
        for kind, (name, least) in kinds.items()
    ]
    schema = {"$schema": DRAFTS[draft], "properties": {"list": {"items": {"oneOf": branches}}}}
    refusal = Pixel(schemas={"track": schema}).refused("writeKey=k&list.0.type=cores&list.0.minimum=0")
    assert refusal.message == "list.0.minimum must be at least 1; it is 0"
