"""The verdict of a compiled schema is jsonschema's, for every keyword of every draft."""

from __future__ import annotations

import contextlib
import enum
import json
from collections import Counter, OrderedDict
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema.protocols import Validator

from pixelmw import Rejected
from pixelmw.schema import EventSchema
from pixelmw.schema.compiled import Compiler
from pixelmw.schema.load import load_schema
from pixelmw.schema.patterns import Patterns
from tests.support.drafts import DRAFTS
from tests.support.needs import conformance
from tests.support.pixel import Pixel
from tests.support.schemas import NAMES, VALUES, oracle, schemas


class Compiled:
    """A compiled schema, and jsonschema's validator for the same schema."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self.validator: Validator
        self.validator, located = load_schema("a schema", schema, Patterns(None))
        self.root = Compiler(located, Patterns(None)).root

    def accepts(self, value: Any) -> bool:
        return self.root.holds(value, {})


def official_groups() -> Iterator[dict[str, Any]]:
    folder = conformance("json-schema-test-suite") / "tests" / "draft2020-12"
    for file in sorted(folder.rglob("*.json")):
        if not file.name.startswith("format"):  # formats are annotations
            yield from json.loads(file.read_text(encoding="utf-8"))


def test_on_the_official_suite_it_says_what_the_suite_says() -> None:
    found: Counter[str] = Counter()
    wrong = []
    for group in official_groups():
        if not isinstance(group["schema"], dict):
            continue
        try:
            compiled = Compiled(group["schema"])
        except ValueError:  # it refers to a schema that is not at hand, or to itself
            found["unusable"] += 1
            continue
        for case in group["tests"]:
            found["asked"] += 1
            if compiled.accepts(case["data"]) != case["valid"]:
                wrong.append((group["description"], case["description"]))
    assert wrong == []
    assert found["asked"] > 1000
    assert found["unusable"] < 40


@pytest.mark.parametrize("draft", DRAFTS)
@settings(max_examples=15, deadline=None)  # a hundred thousand values are compared by the slow test_coerce_properties
@given(data=st.data())
def test_on_random_schemas_and_values_it_says_what_jsonschema_says(draft: str, data: st.DataObject) -> None:
    schema = data.draw(schemas(draft))
    try:
        compiled = Compiled(schema)
    except ValueError:  # it refers to itself in a circle
        return
    for value in data.draw(st.lists(st.dictionaries(NAMES, VALUES), min_size=3, max_size=6)):
        accepts = compiled.accepts(value)
        try:
            assert accepts == oracle(draft, schema).is_valid(value)
        except TypeError as error:  # an old jsonschema sorts what its message names, also where there is no order
            if "not supported between instances" not in str(error):
                raise


@pytest.mark.parametrize(
    ("schema", "value", "valid"),
    [
        ({"additionalProperties": {"type": "string"}, "unevaluatedProperties": False}, {"a": "x"}, True),
        ({"allOf": [{"unevaluatedProperties": {"type": "string"}}], "unevaluatedProperties": False}, {"a": "x"}, True),
        ({"properties": {"a": {"items": True, "unevaluatedItems": False}}}, {"a": [1]}, True),
        ({"properties": {"a": {"items": True, "additionalItems": False}}}, {"a": [1]}, True),
    ],
)
def test_where_jsonschema_is_wrong_about_draft_2019_09_the_draft_counts(
    schema: dict[str, Any], value: Any, valid: bool
) -> None:
    compiled = Compiled({"$schema": DRAFTS["draft 2019-09"], **schema})
    assert compiled.accepts(value) is valid
    with contextlib.suppress(TypeError):  # some raise
        assert compiled.validator.is_valid(value) is not valid


@pytest.mark.parametrize(
    ("schema", "value", "valid"),
    [
        pytest.param({"enum": [1]}, True, False, id="true is not 1"),
        pytest.param({"enum": [1]}, 1.0, True, id="1.0 is 1"),
        pytest.param({"const": {"a": [1, {}]}}, {"a": [1.0, {}]}, True, id="an object that is equal"),
        pytest.param({"const": False}, 0, False, id="0 is not false"),
        pytest.param({"type": "integer"}, True, False, id="a boolean is no integer"),
        pytest.param({"type": "integer"}, 1.0, True, id="an integer with a point"),
        pytest.param({"type": "number"}, True, False, id="a boolean is no number"),
        pytest.param({"minLength": 5}, 1, True, id="a length, of a number"),
        pytest.param({"properties": {"a": {"$ref": "#"}}, "required": []}, {"a": {"a": {}}}, True, id="in itself"),
        pytest.param({"oneOf": [{"type": "string"}, {"minLength": 1}]}, "a", False, id="oneOf, and both hold"),
        pytest.param({"contains": {"const": 1}, "minContains": 0}, [], True, id="contains nothing at least"),
        pytest.param({"contains": {"const": 1}, "maxContains": 1}, [1, 1], False, id="contains too many"),
        pytest.param({"format": "email"}, "x", True, id="a format"),
        pytest.param({"x-of-ours": 5}, "x", True, id="a keyword that nobody knows"),
    ],
)
def test_the_verdict(schema: dict[str, Any], value: Any, valid: bool) -> None:
    compiled = Compiled(schema)
    assert compiled.accepts(value) is valid
    assert compiled.validator.is_valid(value) is valid


def test_true_is_not_1_within_a_list_either() -> None:
    assert not Compiled({"enum": [[1]]}).accepts([True])  # old versions of jsonschema say otherwise


DRAFT_4, DRAFT_7, DRAFT_2019 = (DRAFTS[name] for name in ("draft 4", "draft 7", "draft 2019-09"))


@pytest.mark.parametrize(
    ("schema", "value", "valid"),
    [
        pytest.param({"minimum": 5, "exclusiveMinimum": True}, 5, False, id="draft 4, a bound by a flag"),
        pytest.param({"maximum": 5, "exclusiveMaximum": False}, 5, True, id="draft 4, a flag that is down"),
        pytest.param({"type": "integer"}, 1.0, False, id="draft 4, 1.0 is no integer"),
        pytest.param({"const": 1, "if": True, "then": False}, 2, True, id="draft 4, keywords of later drafts"),
        pytest.param({"additionalProperties": False}, {"a": 1}, False, id="draft 4, false in place of a schema"),
    ],
)
def test_the_verdict_in_draft_4(schema: dict[str, Any], value: Any, valid: bool) -> None:
    test_the_verdict({"$schema": DRAFT_4, **schema}, value, valid)


def test_a_part_in_another_draft_is_judged_by_that_draft() -> None:
    inner = {"$id": "urn:inner", "$schema": DRAFT_7, "dependencies": {"x": ["y"]}, "prefixItems": [False]}
    compiled = Compiled({"properties": {"a": {"$ref": "urn:inner"}}, "$defs": {"inner": inner}})
    for value, valid in ({"x": 1}, False), ({"x": 1, "y": 1}, True), ([1], True):
        assert compiled.accepts({"a": value}) is valid
        assert compiled.validator.is_valid({"a": value}) is valid


def test_a_recursive_reference_leads_to_the_outermost_schema() -> None:
    tree = {"$id": "urn:tree", "$recursiveAnchor": True, "properties": {"next": {"$recursiveRef": "#"}}}
    strict = {
        "$schema": DRAFT_2019, "$id": "urn:strict", "$recursiveAnchor": True, "$ref": "urn:tree",
        "unevaluatedProperties": False, "$defs": {"tree": tree},
    }  # fmt: skip
    compiled = Compiled(strict)
    values: list[dict[str, Any]] = [{}, {"next": {}}, {"next": {"x": 1}}, {"x": 1}]
    for value in values:
        assert compiled.accepts(value) == compiled.validator.is_valid(value)
    assert not compiled.accepts({"next": {"x": 1}})


class Plan(enum.StrEnum):
    FREE = "free"


class Level(enum.IntEnum):
    HIGH = 2


class Text(str):
    __slots__ = ()


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        pytest.param({"type": "string", "maxLength": 4}, Plan.FREE, id="a StrEnum"),
        pytest.param({"const": "free"}, Text("free"), id="a kind of str"),
        pytest.param({"type": "integer", "minimum": 2}, Level.HIGH, id="an IntEnum"),
        pytest.param({"required": ["a"], "properties": {"a": {"const": "x"}}}, OrderedDict(a="x"), id="an OrderedDict"),
        pytest.param({"not": {"const": "paid"}}, Plan.FREE, id="not"),
        pytest.param({"if": {"const": "free"}, "then": {"maxLength": 4}}, Plan.FREE, id="if"),
        pytest.param({"oneOf": [{"const": "free"}, {"const": "paid"}]}, Plan.FREE, id="oneOf"),
    ],
)  # fmt: skip
def test_what_an_enricher_leaves_counts_as_the_json_that_it_becomes(schema: dict[str, Any], value: Any) -> None:
    compiled = EventSchema("s", {"properties": {"p": schema}})
    compiled.coerce_and_validate({"p": value})
    with pytest.raises(Rejected):
        EventSchema("s", {"not": {"properties": {"p": schema}, "required": ["p"]}}).coerce_and_validate({"p": value})


def test_what_an_enricher_leaves_is_coerced_like_what_came_in_the_query() -> None:
    event = {"p": OrderedDict(n=Text("5"), m=Text(""))}
    optional = {"anyOf": [{"type": "integer"}, {"type": "null"}]}
    schema = {"properties": {"p": {"properties": {"n": optional, "m": optional}}}}
    EventSchema("s", schema).coerce_and_validate(event)
    assert event == {"p": {"n": 5}}


@pytest.mark.parametrize("draft", DRAFTS)
def test_the_bundled_schemas_can_be_built_on_in_every_draft(draft: str) -> None:
    pixel = Pixel(schemas={"track": {"$schema": DRAFTS[draft], "allOf": [{"$ref": "urn:pixelmw:track"}]}})
    assert pixel.track("context.screen.width=5")["context"]["screen"] == {"width": 5}
    assert pixel.refused("writeKey=k&event=e").path == "anonymousId"
