"""A refusal names the parameter and the rule, whichever keyword refuses, and shows nothing of the visitor's besides."""

from __future__ import annotations

from typing import Any

import pytest

from pixelmw import Rejected
from tests.support.drafts import DRAFTS
from tests.support.pixel import Pixel

Schema = dict[str, Any]
SECRET = "very-secret-id"
INTEGER: Schema = {"type": "integer"}
OPTIONAL: Schema = {"anyOf": [INTEGER, {"type": "null"}]}


def refusal_of(schema: Schema, query: str, draft: str = "draft 2020-12") -> Rejected:
    pixel = Pixel(schemas={"track": {"$schema": DRAFTS[draft], **schema}})
    refusal = pixel.refused(f"writeKey=k&event=e&anonymousId={SECRET}&context.traits.email={SECRET}&{query}")
    assert SECRET not in refusal.message
    assert "127.0.0.1" not in refusal.message
    return refusal


def p(schema: Any) -> Schema:
    return {"properties": {"p": schema}}


def kind(name: str, **properties: Schema) -> Schema:
    return {"properties": {"kind": {"const": name}, **properties}, "required": ["kind", *properties]}


CARD, CASH = kind("card", digits=INTEGER, fee={"type": "number"}), kind("cash", change={"type": "number"})


@pytest.mark.parametrize(
    ("schema", "query", "path", "rule", "message"),
    [
        pytest.param({"unevaluatedProperties": False, "allOf": [p({})], "properties": dict.fromkeys(
                         ["event", "anonymousId", "context", "type", "channel", "integrations", "messageId",
                          "originalTimestamp", "sentAt", "receivedAt"], True)}, "p=1&z=2&y=3",
                     "y", "unevaluatedProperties", "y is not among the properties that the schema knows",
                     id="unevaluatedProperties"),
        pytest.param(p({"unevaluatedProperties": INTEGER}), "p.a=x", "p.a", "type",
                     'p.a must be of type "integer"; it is "x"', id="unevaluatedProperties that have a schema"),
        pytest.param(p({"prefixItems": [{}], "unevaluatedItems": False}), "p.0=a&p.1=b", "p.1", "unevaluatedItems",
                     "p.1 is not among the items that the schema knows", id="unevaluatedItems"),
        pytest.param(p({"prefixItems": [{}], "unevaluatedItems": INTEGER}), "p.0=a&p.1=b", "p.1", "type",
                     'p.1 must be of type "integer"; it is "b"', id="unevaluatedItems that have a schema"),
        pytest.param({"dependentRequired": {"a": ["c", "b"]}}, "a=1", "b", "dependentRequired",
                     "b is required where a is given", id="dependentRequired"),
        pytest.param({"dependentSchemas": {"a": {"required": ["b"]}}}, "a=1", "b", "required", "b is required",
                     id="dependentSchemas"),
        pytest.param(p({"contains": {"const": "x"}}), "p.0=a", "p", "contains",
                     'p must hold at least one item that must be "x"; it is ["a"]', id="contains"),
        pytest.param(p({"contains": INTEGER, "minContains": 2}), "p.0=a", "p", "contains",
                     'p must hold at least one item that must be of type "integer"; it is ["a"]', id="none of two"),
        pytest.param(p({"contains": {"maxLength": 1}, "minContains": 2}), "p.0=a", "p", "minContains",
                     'p must hold at least 2 items that must have at most 1 characters; it is ["a"]', id="minContains"),
        pytest.param(p({"contains": {"required": ["a"]}, "maxContains": 0}), "p.0.a=1", "p", "maxContains",
                     'p must hold at most 0 items as contains says; it is [{"a": "1"}]', id="maxContains"),
        pytest.param(p({"propertyNames": {"pattern": "^[a-z]+$"}}), "p.good=1&p.BAD=1&p.WORSE=1", "p.BAD",
                     "propertyNames",
                     'p.BAD has a name that the schema does not allow: it must match the pattern "^[a-z]+$"',
                     id="propertyNames"),
        pytest.param(p({"minProperties": 2}), "p.a=1", "p", "minProperties",
                     "p must have at least 2 properties; it has 1", id="minProperties"),
        pytest.param(p({"maxItems": 1}), "p.0=a&p.1=b", "p", "maxItems", "p must have at most 1 items; it has 2",
                     id="maxItems"),
        pytest.param(p({"uniqueItems": True}), "p.0=a&p.1=a", "p", "uniqueItems",
                     'p must not hold the same item twice; it is ["a", "a"]', id="uniqueItems"),
        pytest.param({"minProperties": 99}, "", None, "minProperties",
                     "the event must have at least 99 properties; it has 10", id="the event as a whole"),
        pytest.param({"properties": {"context": {"type": "array"}}}, "", "context", "type",
                     'context must be of type "array"', id="what holds the visitor's address is not shown"),
        pytest.param(p({"not": {"type": "string"}}), "p=x", "p", "not", 'p must not be of type "string"; it is "x"',
                     id="not, of a type"),
        pytest.param({"not": {"properties": {"event": {"const": "e"}}, "required": ["event"]}}, "", "event", "not",
                     'event must not be "e"; it is "e"', id="not, of an event's name"),
        pytest.param({"not": {"required": ["b", "a"]}}, "a=1&b=2", "a", "not", "a is not allowed beside b",
                     id="not, of two together"),
        pytest.param({"not": {"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}}, "b=1", "b", "not",
                     "b is not allowed", id="not, of alternatives"),
        pytest.param(p({"not": {"maxItems": 0}}), "p=x", "p", "not",
                     'p must not be as the schema\'s not describes; it is "x"', id="not, of something else"),
        pytest.param(p({"not": {"maxItems": 1}}), "p.0=x", "p", "not", "p must not have at most 1 items; it has 1",
                     id="not, of a size"),
        pytest.param({"patternProperties": {"^x_": False}}, "x_a=1", "x_a", "false", "x_a is not allowed",
                     id="a false schema of a pattern"),
        pytest.param({"if": {"required": ["a"]}, "then": p({"minimum": 5, "type": "number"})}, "a=1&p=1", "p",
                     "minimum", "p must be at least 5; it is 1", id="then"),
        pytest.param(p(OPTIONAL), "p=x", "p", "anyOf", 'p must be of type ["integer", "null"]; it is "x"',
                     id="an optional number"),
        pytest.param(p({"anyOf": [{**INTEGER, "minimum": 5}, {"type": "null"}]}), "p=3", "p", "minimum",
                     "p must be at least 5; it is 3", id="the alternative that got furthest"),
        pytest.param(p({"anyOf": [{"enum": ["red", "blue"]}, {"type": "null"}]}), "p=x", "p", "enum",
                     'p must be one of ["red", "blue"]; it is "x"', id="an optional enum"),
        pytest.param({"oneOf": [CARD, CASH]}, "kind=card&digits=12", "fee", "required", "fee is required",
                     id="the alternative that was named"),
        pytest.param({"oneOf": [CARD, CASH]}, "kind=cash&digits=12&fee=3&change=x", "change", "type",
                     'change must be of type "number"; it is "x"', id="named, though another one fits better"),
        pytest.param(p({"anyOf": [CARD, CASH]}), "p.kind=coins&p.fee=1", "p.kind", "anyOf",
                     'p.kind must be one of ["card", "cash"]; it is "coins"', id="no alternative is called so"),
        pytest.param({"anyOf": [kind(f"k{n}") for n in range(9)]}, "kind=coins", "kind", "anyOf",
                     'kind must be one of ["k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8"]; it is "coins"',
                     id="of many, none is called so"),
        pytest.param({"anyOf": [kind(f"k{n}") for n in range(9)]}, "", "kind", "required", "kind is required",
                     id="of many, none can be told"),
        pytest.param({"oneOf": [{"required": ["a", "b", "c"]}, {"required": ["x"]}]}, "a=1&b=2", "c", "required",
                     "c is required", id="the alternative of which most is there"),
        pytest.param({"oneOf": [{"required": ["a"]}, {"required": ["b"]}]}, "a=1&b=2", "b", "oneOf",
                     "b is not allowed beside a", id="oneOf, and both are there"),
        pytest.param(p({"oneOf": [{"type": "number"}, INTEGER]}), "p=5", "p", "oneOf",
                     "p must satisfy only one alternative of oneOf; it satisfies 2", id="oneOf, and both hold"),
        pytest.param(p({"anyOf": [False]}), "p=5", "p", "anyOf", "p is not allowed", id="alternatives that are false"),
        pytest.param(p({"anyOf": [{"oneOf": [INTEGER, {"anyOf": [{"type": "boolean"}]}]}]}), "p=x", "p", "anyOf",
                     'p must be of type ["integer", "boolean"]; it is "x"', id="alternatives in each other"),
        pytest.param(p({"anyOf": [{"oneOf": [INTEGER, {"type": "number"}]}]}), "p=5", "p", "oneOf",
                     "p must satisfy only one alternative of oneOf; it satisfies 2", id="a oneOf in it, and both hold"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_parameter_and_the_rule(
    schema: Schema, query: str, path: str | None, rule: str, message: str
) -> None:
    refusal = refusal_of(schema, query)
    assert (refusal.path, refusal.rule, refusal.message) == (path, rule, message)


@pytest.mark.parametrize(
    ("draft", "schema", "query", "path", "rule", "message"),
    [
        pytest.param("draft 4", p({"type": "number", "minimum": 5, "exclusiveMinimum": True}), "p=5", "p", "minimum",
                     "p must be greater than 5; it is 5", id="a bound that is excluded by a flag"),
        pytest.param("draft 7", {"dependencies": {"a": ["b"]}}, "a=1", "b", "dependencies",
                     "b is required where a is given", id="dependencies that are names"),
        pytest.param("draft 7", {"dependencies": {"a": p(INTEGER)}}, "a=1&p=x", "p", "type",
                     'p must be of type "integer"; it is "x"', id="dependencies that are schemas"),
        pytest.param("draft 7", p({"items": [INTEGER, {}]}), "p.0=x", "p.0", "type",
                     'p.0 must be of type "integer"; it is "x"', id="the first items"),
    ],
)  # fmt: skip
def test_a_refusal_by_a_keyword_of_an_older_draft(
    draft: str, schema: Schema, query: str, path: str, rule: str, message: str
) -> None:
    refusal = refusal_of(schema, query, draft)
    assert (refusal.path, refusal.rule, refusal.message) == (path, rule, message)


def test_a_fault_that_names_one_keyword_tells_more_than_a_choice() -> None:
    refusal = refusal_of({"oneOf": [CARD, CASH], **p({"properties": {"q": {"properties": {"r": INTEGER}}}})}, "p.q.r=x")
    assert (refusal.path, refusal.rule) == ("p.q.r", "type")


@pytest.mark.parametrize("keyword", ["anyOf", "oneOf", "not", "contains", "enum", "const"])
def test_a_fault_of_the_whole_event_shows_nothing_of_it(keyword: str) -> None:
    schemas: Schema = {"anyOf": [{"minProperties": 99}], "oneOf": [{}, {}], "not": {}, "enum": [1], "const": 1}
    schema = p({"contains": {"const": 1}}) if keyword == "contains" else {keyword: schemas[keyword]}
    assert len(refusal_of(schema, "p.0=x").message) < 100
