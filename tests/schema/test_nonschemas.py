"""Values that are no schema, and schemas that would fail or hang at a request: refused at construction."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.drafts import DRAFTS
from tests.support.pixel import Pixel

DEEP: Any = {}
for _ in range(400):
    DEEP = {"allOf": [DEEP]}
CHAIN: dict[str, Any] = {f"d{index}": {"$ref": f"#/$defs/d{index + 1}"} for index in range(400)}
ENDLESS: dict[str, Any] = {}
ENDLESS["properties"] = {"n": ENDLESS}


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param({"type": "strin"}, id="unknown type"),
        pytest.param({"properties": {"n": {"minimum": "5"}}}, id="a string for a number"),
        pytest.param({"properties": {"n": 5}}, id="a number for a schema"),
        pytest.param({"pattern": "("}, id="bad pattern"),
        *(
            pytest.param({"$schema": DRAFTS[name], "patternProperties": {"(": {}}}, id=f"{name}, bad")
            for name in DRAFTS
        ),
        pytest.param({"$ref": "#/x", "x": {"pattern": "("}}, id="bad pattern behind a reference"),
        pytest.param({"$ref": "#/x", "x": {"type": "strin"}}, id="unknown type behind a reference"),
        pytest.param({"properties": {"n": {"$ref": "#/x"}}, "x": {"minLength": "5"}}, id="bad behind a reference"),
        pytest.param({"$ref": "#/x", "x": 5}, id="a reference to a number"),
        pytest.param({"$ref": "#/x", "x": None}, id="a reference to null"),
        pytest.param({"properties": {"n": {"pattern": "(a+)+$"}}}, id="exponential"),
        pytest.param({"patternProperties": {"^(\\w+\\s?)*$": True}}, id="exponential for names"),
        pytest.param({"$ref": "#/x", "x": {"pattern": "(a|a)*$"}}, id="exponential behind a reference"),
        pytest.param({"$schema": "https://example.com/schema"}, id="unknown dialect"),
        pytest.param({"$schema": "http://json-schema.org/draft-03/schema#"}, id="draft 3"),
        pytest.param({"$schema": 5}, id="a number for a dialect"),
        pytest.param({"$schema": ["x"]}, id="a list for a dialect"),
        pytest.param({"$schema": "http://["}, id="no URI for a dialect"),
        pytest.param({"enum": {1, 2}}, id="a set"),
        pytest.param({"properties": {"n": {"maximum": float("nan")}}}, id="NaN"),
        pytest.param({"properties": {"n": {"maximum": float("inf")}}}, id="infinity"),
        pytest.param({"const": b"x"}, id="bytes"),
        pytest.param(DEEP, id="400 levels"),
        pytest.param({"$defs": {**CHAIN, "d400": {}}, "$ref": "#/$defs/d0"}, id="400 references in a row"),
        pytest.param(ENDLESS, id="a dict in itself"),
    ],
)
def test_a_schema_that_would_fail_at_a_request_is_refused_at_construction(schema: Any) -> None:
    with pytest.raises(ValueError, match=r"schemas\['track'\]"):
        Pixel(schemas={"track": schema})


@pytest.mark.parametrize("schema", [None, True, "{}", [{}], 5])
def test_a_schema_is_a_dict(schema: Any) -> None:
    with pytest.raises(TypeError, match=r"schemas\['track'\]"):
        Pixel(schemas={"track": schema})


@pytest.mark.parametrize(
    "pattern", ["(a|aa)+$", "^(([a-z])+.)+[A-Z]([a-z])+$", "(x+x+)+y", "^([a-zA-Z0-9]+\\s?)+$", "((((b+)+)+)+)+!"]
)
def test_the_patterns_of_known_incidents_are_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="exponential"):
        Pixel(schemas={"track": {"properties": {"n": {"pattern": pattern}}}})


def test_a_pattern_that_only_looks_exponential_works() -> None:
    pixel = Pixel(schemas={"track": {"properties": {"n": {"pattern": "^[a-z0-9]+(-[a-z0-9]+)*$"}}}})
    assert pixel.track("n=a-b-c")["n"] == "a-b-c"
    assert pixel.refused(f"writeKey=k&n={'a-' * 10_000}").rule == "pattern"
