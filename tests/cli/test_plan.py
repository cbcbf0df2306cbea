"""``python -m pixelmw plan``: says what a plan is, and what is wrong with it; and ``serve --plan``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pixelmw import TrackingPlan
from pixelmw.cli.lines import refusal_line
from pixelmw.cli.main import main
from pixelmw.cli.report import Report
from pixelmw.cli.serve import make_welcome_app
from pixelmw.errors import Rejected
from pixelmw.live import LiveView
from pixelmw.sinks import SQLite
from tests.support.pixel import WholeClient
from tests.support.plans import FOLDER, PLANS, SHAPES, WITH_TYPES, write

WRONG = '{\n  "Opened": {},\n  "Closed": {"properties": {"a": {"type": "text"}}},\n  "Lost": 5\n}'


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = main(["plan", *arguments])
    return code, capsys.readouterr().out


@pytest.mark.parametrize("shape", SHAPES)
def test_the_shape_and_each_event_with_its_properties_are_listed(
    shape: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, out = printed(capsys, str(write(tmp_path, shape)))
    lines = out.splitlines()
    more = "anything, " if shape in ("Config API", "Public API", "Typewriter 8", "first form") else ""
    version = ", version 1-0-0" if shape == "first form" else ", version 1" if more else ""
    assert (code, shape in lines[0], lines[-1]) == (0, True, "no faults")
    assert f"  track Order Completed{version}: {more}coupon, order_id*, total*" in lines
    assert f"  track Signed Up{version}: any properties" in lines
    identify = [line for line in lines if line.startswith("  identify") and line.endswith(": age")]
    assert len(identify) == (shape in WITH_TYPES)


def test_the_list_is_there_as_json_too(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out = printed(capsys, "--json", str(write(tmp_path, "Data Catalog")))
    report = json.loads(out)
    assert (code, report["id"], report["version"], report["faults"]) == (0, "tp_1", 4, [])
    assert (report["shape"], report["ignored"]) == ("RudderStack Data Catalog", ["required: []"])
    assert report["events"][0] == {
        "type": "track",
        "name": "Order Completed",
        "version": None,
        "properties": {
            "coupon": {"type": ["string", "null"], "required": False},
            "order_id": {"type": "string", "required": True},
            "total": {"type": "number", "required": True},
        },
    }


def test_each_fault_has_its_file_line_and_place_and_the_exit_status_is_1(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "plan.json"
    path.write_text(WRONG)
    code, out = printed(capsys, str(path))
    *_, closed, lost, count = out.splitlines()
    assert (code, count) == (1, "2 faults")
    assert closed.startswith(
        f"{path}, line 3, at /Closed/properties/a/type: the schema of 'Closed' is not a JSON Schema"
    )
    assert lost == f"{path}, line 4, at /Lost: the schema of 'Lost' is 5: a schema is an object"
    code, out = printed(capsys, "--json", str(path))
    assert [(each["file"], each["line"], each["place"]) for each in json.loads(out)["faults"]] == [
        (str(path), 3, "/Closed/properties/a/type"),
        (str(path), 4, "/Lost"),
    ]
    assert code == 1


def test_a_folder_names_the_file_of_a_fault(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    write(tmp_path, FOLDER)
    (tmp_path / "page.json").write_text("{\n\n]")
    code, out = printed(capsys, str(tmp_path))
    assert (code, f"{tmp_path / 'page.json'}, line 3: it is not JSON" in out) == (1, True)


def test_a_plan_for_every_type_is_listed_as_that(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "common.json").write_text('{"properties": {"properties": {"$ref": "#/$defs/p"}}, "$defs": {"p": '
                                          '{"allOf": [{"properties": {"a": {}}}]}}}')  # fmt: skip
    assert "  every type: a" in printed(capsys, str(tmp_path))[1]


def test_names_that_control_a_terminal_are_made_harmless(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(json.dumps({"\x1b[31mRed": {}}))
    assert "track \ufffd[31mRed" in printed(capsys, str(tmp_path / "plan.json"))[1]


def test_a_file_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for arguments in (["plan", str(tmp_path / "no.json")], ["serve", "--plan", str(tmp_path / "no.json")]):
        with pytest.raises(SystemExit) as exit_:
            main(arguments)
        assert exit_.value.code == 1
        assert "no.json" in capsys.readouterr().err


def test_serve_refuses_to_start_with_a_faulty_plan(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(WRONG)
    with pytest.raises(SystemExit):
        main(["serve", "--plan", str(tmp_path / "plan.json")])
    assert "plan.json, line 3, at /Closed/properties/a/type" in capsys.readouterr().err


def test_serve_judges_by_the_plan(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with SQLite(tmp_path / "events.db") as store:
        app = make_welcome_app(store, [], "gif", Report(), LiveView(), TrackingPlan(PLANS["pixelmw"]))
        client = WholeClient(app)
        url = "/pixel/v1/track?writeKey=k&userId=1&event=Order+Completed"
        assert client.get(f"{url}&properties.order_id=7").status_code == 400
        assert client.get(f"{url}&properties.order_id=7&properties.total=1").status_code == 200
    refused, stored = capsys.readouterr().out.splitlines()
    assert refused.endswith("refused  track Order Completed invalid: properties.total is required")
    assert "stored" in stored


def test_a_line_about_a_refusal_names_a_planned_event_only() -> None:
    refusal = Rejected("invalid", "no", path="event", event_type="track", event={"event": "of a visitor"})
    assert refusal_line(refusal).endswith("refused  track invalid: no")
