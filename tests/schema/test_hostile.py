"""Schemas that would use the network, hang, recurse or fail at a request: refused at construction, or harmless."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import permutations, product
from pathlib import Path
from typing import Any

import pytest

from pixelmw import Limits
from tests.support.drafts import DRAFTS
from tests.support.pixel import Pixel
from tests.support.watched import Watched

OLD = ("draft 4", "draft 6", "draft 7")


@pytest.fixture(scope="module")
def watched() -> Iterator[Watched]:
    """An interpreter that tells what it opens while it takes a schema."""
    with closing(Watched()) as process:
        yield process


def with_schema(schema: Any, **options: Any) -> Pixel:
    return Pixel(schemas={"track": schema}, **options)


def refusal_of(schema: Any) -> str:
    """The message with which *schema* is refused at construction."""
    with pytest.raises(ValueError, match=r"schemas\['track'\]") as caught:
        with_schema(schema)
    return str(caught.value)


def test_the_guard_sees_files_and_sockets(watched: Watched, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    seen = watched.read(str(tmp_path / "file"))
    assert f"open {tmp_path / 'file'}" in seen
    assert any(event.startswith("socket.connect") for event in seen)


PLACES: dict[str, Any] = {
    "root": lambda ref: ref,
    "property": lambda ref: {"properties": {"a": ref}},
    "$defs": lambda ref: {"$defs": {"unused": ref}},
    "anyOf": lambda ref: {"anyOf": [True, ref]},
    "not": lambda ref: {"not": {"not": ref}},
    "if": lambda ref: {"if": ref, "then": True},
    "items": lambda ref: {"properties": {"a": {"prefixItems": [ref]}}},
    "propertyNames": lambda ref: {"propertyNames": ref},
    "dependentSchemas": lambda ref: {"dependentSchemas": {"a": ref}},
    "unevaluated": lambda ref: {"unevaluatedProperties": ref},
    "behind a reference": lambda ref: {"$ref": "#/elsewhere", "elsewhere": {"properties": {"a": ref}}},
}
REMOTE = ["http://127.0.0.1:9/s", "https://localhost/s#/x", "ftp://localhost/s", "file://{file}", "{file}", "//host/s"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("keyword", ["$ref", "$dynamicRef"])
@pytest.mark.parametrize("uri", [*REMOTE, "urn:nowhere", "#/$defs/nowhere", "#nowhere", "urn:pixelmw:nowhere"])
def test_a_reference_that_leads_outside_is_refused_unread(
    watched: Watched, tmp_path: Path, uri: str, keyword: str, place: str
) -> None:
    file = tmp_path / "schema.json"
    file.write_text("{}")
    words, seen = watched.take(PLACES[place]({keyword: uri.format(file=file)}))
    assert words
    assert "schemas['track']" in words
    assert "reference" in words
    assert seen == []


@pytest.mark.parametrize("uri", ["#/$defs/nowhere", "#nowhere", "#/type/x", "http://127.0.0.1:9/s#x"])
def test_the_refusal_names_the_reference(uri: str) -> None:
    assert repr(uri) in refusal_of({"type": "object", "properties": {"a": {"$ref": uri}}})


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param({"$id": "http://127.0.0.1:9/a/b", "$ref": "c"}, id="relative to the root"),
        pytest.param({"$defs": {"a": {"$id": "http://127.0.0.1:9/", "not": {"$ref": "x"}}}}, id="relative to a part"),
        pytest.param({"$id": "file:///etc/", "properties": {"a": {"$ref": "passwd"}}}, id="a file beside the root"),
        pytest.param({"$id": "urn:pixelmw:mine", "$ref": "#/$defs/x"}, id="a pointer to nothing"),
    ],
)
def test_an_id_makes_no_reference_lead_anywhere(watched: Watched, schema: Any) -> None:
    words, seen = watched.take(schema)
    assert words
    assert "reference" in words
    assert seen == []


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param({"properties": {"n": {"enum": [{"$ref": "http://127.0.0.1:9/"}, "1"]}}}, id="data in enum"),
        pytest.param({"properties": {"$ref": {"type": "string"}, "n": True}}, id="a property of that name"),
        pytest.param({"$id": "http://127.0.0.1:9/", "$ref": "x", "$defs": {"x": {"$id": "x"}}}, id="inside by its id"),
        pytest.param({"$schema": DRAFTS["draft 7"], "$id": "http://127.0.0.1:9/s", "default": 1}, id="an id alone"),
        pytest.param({"allOf": [{"$ref": "urn:pixelmw:track"}]}, id="a bundled schema"),
        pytest.param({"properties": {"n": {"type": "string", "contentSchema": {"$ref": "#"}}}}, id="an annotation"),
    ],
)
def test_a_schema_that_only_looks_like_it_refers_outside_works(watched: Watched, schema: Any) -> None:
    pixel = with_schema(schema)
    assert pixel.track("n=1")["n"] == "1"
    assert watched.take(schema) == (None, [])


TO_ROOT = {"$ref": "#"}
CIRCLES: dict[str, Any] = {
    "itself": TO_ROOT,
    "a, b, a": {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
    "allOf": {"allOf": [TO_ROOT]},
    "anyOf": {"anyOf": [True, {"oneOf": [TO_ROOT]}]},
    "not": {"not": {"not": TO_ROOT}},
    "then": {"if": True, "then": TO_ROOT},
    "dependentSchemas": {"dependentSchemas": {"n": TO_ROOT}},
    "below": {"properties": {"n": {"$ref": "#/properties/n"}}},
    "anchor": {"$anchor": "here", "allOf": [{"$ref": "#here"}]},
    "dynamic": {"$dynamicAnchor": "here", "allOf": [{"$dynamicRef": "#here"}]},
    "recursive": {"$schema": DRAFTS["draft 2019-09"], "allOf": [{"$recursiveRef": "#"}]},
    **{f"dependencies, {name}": {"$schema": DRAFTS[name], "dependencies": {"n": TO_ROOT}} for name in OLD},
}
# This is a circle only if it is entered through urn:outer. It must be found in whichever order the parts are visited.
_PARTS = {
    "inner": {"$id": "urn:inner", "$dynamicRef": "#x", "$defs": {"plain": {"$dynamicAnchor": "x"}}},
    "outer": {"$id": "urn:outer", "$dynamicAnchor": "x", "$ref": "urn:inner"},
}
for _defs, _used in product(permutations(_PARTS), repeat=2):
    CIRCLES[f"dynamic, {_defs[0]} and {_used[0]} first"] = {
        "$defs": {name: _PARTS[name] for name in _defs},
        "anyOf": [{"$ref": f"urn:{name}"} for name in _used],
    }


@pytest.mark.parametrize("kind", CIRCLES)
def test_a_schema_that_refers_to_itself_in_a_circle_is_refused(kind: str) -> None:
    assert "circle" in refusal_of(CIRCLES[kind])


NODE = {"properties": {"v": {"type": "integer"}, "c": {"$ref": "#/$defs/n"}, "l": {"items": {"$ref": "#/$defs/n"}}}}


@pytest.mark.parametrize("node", [NODE, {"allOf": [{"allOf": [NODE]}]}], ids=["thin", "thick"])
@pytest.mark.parametrize("step", ["c", "l.0"])
def test_a_tree_is_validated_down_to_the_last_depth(node: Any, step: str) -> None:
    pixel = with_schema({"properties": {"n": {"$ref": "#/$defs/n"}}, "$defs": {"n": node}}, limits=Limits(depth=64))
    name = ".".join(["n", *([step] * 62)][: 63 if step == "c" else 32])
    value: Any = pixel.track(f"{name}.v=5")
    for segment in name.split("."):
        value = value[int(segment) if segment == "0" else segment]
    assert value == {"v": 5}
    assert pixel.refused(f"writeKey=k&{name}.v=x").path == f"{name}.v"


def test_true_and_false_are_schemas_inside_another_schema() -> None:
    pixel = with_schema({"properties": {"yes": True, "no": False, "l": {"items": False}}, "allOf": [True]})
    assert pixel.track("yes=1")["yes"] == "1"
    assert [pixel.refused(f"writeKey=k&{name}=1").path for name in ("no", "l.0")] == ["no", "l"]


@pytest.mark.parametrize("draft", DRAFTS)
def test_keywords_beside_a_reference_count_from_draft_2019_on(draft: str) -> None:
    part = {"$ref": "#/definitions/i", "type": "string"}
    pixel = with_schema(
        {"$schema": DRAFTS[draft], "properties": {"n": part}, "definitions": {"i": {"type": "integer"}}}
    )
    if draft in OLD:
        assert pixel.track("n=5")["n"] == 5
    else:
        assert pixel.refused("writeKey=k&n=5").path == "n"


@pytest.mark.parametrize("draft", DRAFTS)
def test_each_draft_has_its_own_lists_and_ids(draft: str) -> None:
    integer: dict[str, Any] = {"type": "integer"}
    integer |= {"id" if draft == "draft 4" else "$id": "#int"} if draft in OLD else {"$anchor": "int"}
    here, rest = ("prefixItems", "items") if draft == "draft 2020-12" else ("items", "additionalItems")
    schema = {here: [{"$ref": "#int"}], rest: {"type": "boolean"}}
    pixel = with_schema({"$schema": DRAFTS[draft], "properties": {"l": schema}, "definitions": {"i": integer}})
    assert pixel.track("l.0=5&l.1=true")["l"] == [5, True]
    assert pixel.refused("writeKey=k&l.0=5&l.1=6").path == "l.1"


def test_a_schema_that_changes_after_construction_has_no_effect() -> None:
    schema: dict[str, Any] = {"properties": {"n": {"type": "integer"}}, "required": ["event"]}
    schemas = {"track": schema}
    pixel = Pixel(schemas=schemas)
    schema["properties"]["n"]["type"] = "string"
    schema["properties"]["x"] = False
    schema["required"].append("nothing")
    schemas.clear()
    assert pixel.track("n=5&x=1")["n"] == 5
    assert pixel.refused("writeKey=k&event=e&n=text").path == "n"
    assert pixel.refused("writeKey=k&nothing=1").path == "event"
