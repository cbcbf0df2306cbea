"""A keyword that is likely a slip is warned of at construction (rule 9 of the contract)."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from pixelmw import Collector, PixelMiddleware
from pixelmw.schema import SchemaWarning
from tests.support.drafts import DRAFTS
from tests.support.pixel import Pixel, host_app


def warned_of(schema: dict[str, Any]) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        Pixel(schemas={"track": schema})
    assert all(each.category is SchemaWarning for each in caught)
    return [str(each.message) for each in caught]


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ("requird", "required"), ("requires", "required"), ("propreties", "properties"), ("property", None),
        ("proprties", "properties"), ("minlength", "minLength"), ("min_length", "minLength"),
        ("maxLenght", "maxLength"), ("anyof", "anyOf"), ("any_of", "anyOf"),
        ("additionalproperties", "additionalProperties"), ("addtionalProperties", "additionalProperties"),
        ("typ", "type"), ("tpye", "type"), ("types", "type"), ("enums", "enum"), ("ref", "$ref"), ("defs", "$defs"),
        ("patern", "pattern"), ("patternProprties", "patternProperties"), ("exclusiveMinimun", "exclusiveMinimum"),
        ("item", "items"), ("unevaluatedProperty", None), ("example", None), ("id", None), ("nullable", None),
        ("discriminator", None), ("xml", None), ("externalDocs", None), ("note", None), ("when", None),
        ("x-items", None), ("x-of-ours", None), ("labels", None), ("of", None), ("javaType", None), ("title", None),
        ("divisibleBy", None), ("name", None), ("key", None), ("version", None), ("meta:enum", None),
        ("tsType", None), ("errorMessage", None), ("", None),
    ],
)  # fmt: skip
def test_a_keyword_that_is_one_slip_away_from_a_known_one_is_warned_of(slip: str, meant: str | None) -> None:
    said = warned_of({"properties": {"p": {slip: "x"}}})
    if meant is None:
        assert not said
    else:
        (words,) = said
        assert "schemas['track']" in words
        assert repr(slip) in words
        assert repr(meant) in words


def test_the_names_of_properties_are_no_keywords() -> None:
    assert not warned_of({"properties": {"typ": {}, "requird": {}}, "patternProperties": {"item": {}}})
    assert not warned_of(
        {"$defs": {"anyof": {}}, "enum": [{"requird": 1}], "default": {"typ": 1}, "required": ["x"][:0]}
    )


@pytest.mark.parametrize("draft", DRAFTS)
def test_the_keywords_of_other_drafts_are_known(draft: str) -> None:
    others = {"prefixItems": [{}], "definitions": {}, "dependencies": {}, "divisibleBy": 2}
    assert not warned_of({"$schema": DRAFTS[draft], "properties": {"p": {"not": {}, **others}}})


def test_each_schema_that_is_reached_is_looked_at_once() -> None:
    part = {"requird": ["x"]}
    schema = {"$defs": {"a": part}, "properties": {"p": {"$ref": "#/$defs/a"}, "q": {"items": {"$ref": "#/$defs/a"}}}}
    assert len(warned_of(schema)) == 1


def test_the_warning_points_at_who_gave_the_schema() -> None:
    schemas = {"track": {"requird": ["x"]}}
    for make in (
        lambda: PixelMiddleware(host_app, print, schemas=schemas),
        lambda: Collector(print, schemas=schemas),
    ):
        with pytest.warns(SchemaWarning) as caught:
            make()
        assert [each.filename for each in caught] == [__file__]
