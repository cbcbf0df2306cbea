"""Loading a plan: encodings, lines, folders, and what is refused with file, place and reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pixelmw import PixelMiddleware, Rejected, TrackingPlan
from tests.support.pixel import host_app
from tests.support.plans import PLANS, event_of, rule, whole, write

SIZED = {"properties": {"n": {"type": "integer"}}}


def fault_of(path: Path, **options: Any) -> str:
    with pytest.raises(ValueError, match=path.name) as caught:
        TrackingPlan.load(path, **options)
    return str(caught.value).replace(str(path.parent), "")


def written(directory: Path, text: str | bytes, name: str = "plan.json") -> Path:
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_a_file_may_be_in_any_encoding_of_json_with_or_without_a_mark(encoding: str, tmp_path: Path) -> None:
    plan = TrackingPlan.load(written(tmp_path, json.dumps({"Gekauft: Möbel": SIZED}).encode(encoding)))
    assert plan.events == ("Gekauft: Möbel",)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{\n "A": {},\n "B": {"type": "text"}\n}', "/plan.json, line 3, at /B/type: the schema of 'B' is not a JSON"),
        ('{"A": {"properties": {"a":\n {"pattern": "("}}}}', "line 2, at /A/properties/a/pattern: the schema of 'A'"),
        ('{"A":\n{"$ref": "http://x/y"}}', "/plan.json, line 2, at /A/$ref: the schema of 'A' has a reference to"),
        ('{"A": {"$ref": "#"}}', "refers to itself in a circle"),
        ('{"A": {},\n\n"A": {}}', "/plan.json, line 3, at /A: 'A' is there twice in one object"),
        ('{"A": {"properties": {"x": {}, "x": {}}}}', "at /A/properties/x: 'x' is there twice in one object"),
        ('{"A": {},\n"B": }', "/plan.json, line 2: it is not JSON: Expecting value"),
        ("", "/plan.json, line 1: it is not JSON"),
        (b"\xff\xfe\xfd", "/plan.json: it is not JSON"),
        ('{"A": {"const": NaN}}', "NaN is no number of JSON"),
        ("[" * 100_000, "/plan.json: it is nested too deep"),
        ('"a text"', "a plan is an object or a list"),
        ('{"A": 5}', "at /A: the schema of 'A' is 5: a schema is an object"),
        ('{" ": {}}', "the name of an event is ' '"),
        ('{"type": "object", "properties": {}}', "it is a schema, and a plan maps event names"),
        ('{"kind": "tp", "metadata": {}, "spec": {}}', "at /kind: the Rudder CLI's files hold no schemas"),
        ('{"self": {"vendor": "v"}, "properties": {}}', "an Iglu schema is about one event"),
        ('[{"type": "TRACK"}]', "the name of an event is None"),
        ('[{"type": "TRACKS", "key": "A"}]', "at /0/type: 'TRACKS' is no type of a rule"),
        ('{"\\ud800": {}}', "is not JSON: 'utf-8' codec can't encode"),
        ('{"A": {"required": ["\\udfff"]}}', "the schema of 'A' is not JSON"),
        ("[5]", "at /0: a rule is an object with a type"),
        ('[{"type": "TRACK", "key": "A", "jsonSchema": "no schema"}]', "at /0/jsonSchema: the schema of 'A' is"),
        ('{"rules": {"events": [5]}}', "at /rules/events/0: an event is an object"),
        ('{"events": [{"eventType": "page"}, 5]}', "at /events/1: an event is an object with an eventType"),
        ('{"events": [{"eventType": "tracks", "name": "A"}]}', "at /events/0/eventType: 'tracks' is no type"),
        ('{"data": {"rules": [], "pagination": {"totalEntries": 300}}}', "has 0 of 300 rules: put the pages together"),
    ],
    ids=range(27),
)  # fmt: skip
def test_what_cannot_be_loaded_is_refused_with_file_place_and_reason(
    text: str | bytes, fault: str, tmp_path: Path
) -> None:
    assert fault in fault_of(written(tmp_path, text))


@pytest.mark.parametrize("name", ["plan.csv", "plan.yaml", "plan.yml"])
def test_a_file_that_holds_no_schemas_by_its_kind_says_what_to_export(name: str, tmp_path: Path) -> None:
    assert "as JSON" in fault_of(written(tmp_path, "kind: tp", name))


def test_two_schemas_of_one_event_and_version_are_refused(tmp_path: Path) -> None:
    rules = [rule("TRACK", "A", whole("properties", SIZED), version) for version in (1, 2, 1)]
    assert "at /2/jsonSchema: the schema of 'A' is there twice, in version 1" in fault_of(
        written(tmp_path, json.dumps(rules))
    )


def test_a_schema_of_many_properties_is_compiled_to_see_that_it_can_be(tmp_path: Path) -> None:
    chain = {f"t{n}": {"properties": {"a": {"$ref": f"#/$defs/t{n + 1}"}}} for n in range(120)} | {"t120": {}}
    for length, fault in ((40, None), (1, "nested too deep")):
        schema = {"$ref": f"#/$defs/t{120 - length if length > 1 else 0}", "$defs": chain}
        path = written(tmp_path, json.dumps({"A": schema}))
        assert fault is None or fault in fault_of(path)
        assert fault is not None or TrackingPlan.load(path).events == ("A",)


def test_traits_that_segment_lists_without_schemas_are_ignored(tmp_path: Path) -> None:
    rules = {"events": [], "identify_traits": [{"name": "age"}], "group_traits": []}
    assert TrackingPlan.load(written(tmp_path, json.dumps({"rules": rules}))).ignored == ("identify_traits",)


def test_all_faults_are_counted(tmp_path: Path) -> None:
    path = written(tmp_path, json.dumps({name: {"type": name} for name in "ABC"}))
    assert fault_of(path).endswith("(2 more: python -m pixelmw plan lists them)")


def test_a_schema_that_is_nested_too_deep_is_refused(tmp_path: Path) -> None:
    schema: dict[str, Any] = {}
    for _ in range(150):
        schema = {"properties": {"a": schema}}
    assert "nested too deep" in fault_of(written(tmp_path, json.dumps({"A": schema})))
    listed: dict[str, Any] = {}
    for _ in range(2_000):
        listed = {"not": listed}
    with pytest.raises(ValueError, match="the plan, at /A: the schema of 'A'"):
        TrackingPlan({"A": listed})


def test_the_rest_of_a_catalog_is_ignored_and_an_alias_is_never_judged(tmp_path: Path) -> None:
    events = [{"eventType": "alias", "name": "", "rules": {"required": ["x"]}}, {"eventType": "page", "name": ""}]
    plan = TrackingPlan.load(written(tmp_path, json.dumps({"events": events})))
    assert plan.ignored == ("eventType alias",)
    assert event_of("previousId=2", plan, "alias")["previousId"] == "2"


# --- folders ---


def test_a_folder_has_a_file_for_each_schema(tmp_path: Path) -> None:
    for name in ("track/Order Completed", "track/50% off", "track/A%2FB", "identify", "page", "common"):
        written(tmp_path, json.dumps({"common": {"required": ["x"]}}.get(name, SIZED)), f"{name}.json")
    for name in ("README.md", "track/.hidden.json", "track/notes.txt", ".vscode.json"):
        written(tmp_path, "no JSON", name)
    plan = TrackingPlan.load(tmp_path)
    assert plan.events == ("50% off", "A/B", "Order Completed")
    for event_type, query, path in (
        ("track", "event=A/B&properties.n=x", "properties.n"),
        ("page", "", "x"),
        ("identify", "traits.n=x", "traits.n"),
        ("page", "properties.n=x", "properties.n"),
    ):
        with pytest.raises(Rejected) as caught:
            event_of(query, plan, event_type)
        assert caught.value.path == path


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("tracks.json", "{}", "tracks.json: a folder has track/NAME OF THE EVENT.json, common.json"),
        ("track/A.json", '{\n"type": 5}', "A.json, line 2, at /type: the schema of 'A' is not"),
        ("track/A.json", "[]", "A.json, line 1: the schema of 'A' is []: a schema is an object"),
        ("track/A.json", "no", "A.json, line 1: it is not JSON"),
        ("nothing.txt", "", "it has no schemas, such as track/NAME OF THE EVENT.json"),
    ],
)  # fmt: skip
def test_a_fault_in_a_folder_names_its_file(name: str, text: str, fault: str, tmp_path: Path) -> None:
    written(tmp_path, text, name)
    assert fault in fault_of(tmp_path)


def test_what_is_not_there_is_an_oserror(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        TrackingPlan.load(tmp_path / "nowhere.json")


# --- the options beside a file ---


def test_types_and_common_of_the_call_replace_those_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, "Config API")
    plan = TrackingPlan.load(path, types={"identify": {"required": ["b"]}}, common={"required": ["c"]}, name="shop")
    assert (plan.name, repr(plan).startswith("<TrackingPlan 'shop', Segment Config API")) == ("shop", True)
    for query, missing in (("c=1", "traits.b"), ("traits.b=1", "c")):
        with pytest.raises(Rejected) as caught:
            event_of(query, plan, "identify")
        assert caught.value.path == missing
    assert event_of("c=1&traits.b=1&traits.n=x", plan, "identify")["traits"] == {"b": "1", "n": "x"}


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        ({"unplanned": "omit"}, ValueError, "unplanned is 'omit'; known are 'allow', 'annotate', 'refuse'"),
        ({"unplanned_properties": "drop"}, ValueError, "known are 'allow', 'omit', 'annotate', 'refuse'"),
        ({"violations": "allow"}, ValueError, "known are 'refuse', 'annotate'"),
        ({"types": {"track": {}}}, ValueError, "unknown event type 'track'; known are identify, group, page, screen"),
        ({"types": [{}]}, TypeError, "types is"),
        ({"types": {"page": {"type": 5}}}, ValueError, "at /types/page/type: the schema of page is not"),
        ({"common": []}, ValueError, r"the common schema is \[\]"),
        ({"id": 5}, TypeError, "id is 5"),
        ({"version": [1]}, TypeError, r"version is \[1\]"),
        ({"version": True}, TypeError, "version is True"),
        ({"version": float("nan")}, ValueError, "version is nan, NaN or infinite"),
        ({"id": "\ud800"}, ValueError, "half of a surrogate pair"),
    ],
    ids=range(12),
)
def test_a_mistake_in_the_options_is_told(options: Any, error: type[Exception], told: str, tmp_path: Path) -> None:
    with pytest.raises(error, match=told):
        TrackingPlan({}, **options)
    with pytest.raises(error):
        TrackingPlan.load(write(tmp_path, "pixelmw"), **options)


def test_the_arguments_are_of_the_right_kind() -> None:
    with pytest.raises(TypeError, match="events is"):
        TrackingPlan(["Opened"])  # type: ignore[arg-type]
    wrongs: list[Any] = ["plan.json", PLANS["pixelmw"]]
    for wrong in wrongs:
        with pytest.raises(TypeError, match=r"plan is .*: give a pixelmw.TrackingPlan"):
            PixelMiddleware(host_app, print, plan=wrong)
    with pytest.raises(ValueError, match="the plan, at /A: the schema of 'A' is not JSON"):
        TrackingPlan({"A": {"const": object()}})
