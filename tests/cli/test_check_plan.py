"""``check --plan`` tells each fault by a tracking plan, and knows the names that it plans."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import run_here

TRACK = "/pixel/v1/track?writeKey=k&userId=42&event="
PLAN = {
    "Order Completed": {
        "type": "object",
        "required": ["order_id", "total"],
        "properties": {"order_id": {"type": "string"}, "total": {"type": "number", "minimum": 0}},
        "additionalProperties": False,
    },
    "Signed Up": {},
}


@pytest.fixture
def plan(tmp_path: Path) -> str:
    (tmp_path / "plan.json").write_text(json.dumps(PLAN))
    return f"--plan={tmp_path / 'plan.json'}"


def checked(capsys: pytest.CaptureFixture[str], plan: str, url: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run_here(capsys, "check", "--json", plan, url).out)
    return found


def test_an_event_is_coerced_as_the_plan_says(capsys: pytest.CaptureFixture[str], plan: str) -> None:
    found = checked(capsys, plan, f"{TRACK}Order+Completed&properties.order_id=7&properties.total=9.90")
    assert (found["faults"], found["hints"]) == ([], [])
    assert found["event"]["properties"] == {"order_id": "7", "total": 9.9}


def test_each_fault_by_the_plan_is_told_with_its_parameter(capsys: pytest.CaptureFixture[str], plan: str) -> None:
    url = f"{TRACK}Order+Completed&properties.total=-1&properties.x=1&properties.y=1&context.screen.width=wide"
    found = checked(capsys, plan, url)
    assert sorted((fault["parameter"], fault["rule"]) for fault in found["faults"]) == [
        ("context.screen.width", "type"),
        ("properties.order_id", "required"),
        ("properties.total", "minimum"),
        ("properties.x", "additionalProperties"),
        ("properties.y", "additionalProperties"),
    ]


def test_a_name_that_the_plan_nearly_has_is_told(capsys: pytest.CaptureFixture[str], plan: str) -> None:
    found = checked(
        capsys, plan, f"{TRACK}Order+Completed&properties.orderId=7&properties.order_id=7&properties.total=1"
    )
    assert "properties.orderId is no known field: is properties.order_id meant?" in [
        hint["message"] for hint in found["hints"]
    ]
    elsewhere = checked(capsys, plan, f"{TRACK}Signed+Up&properties.orderId=7")
    assert (elsewhere["faults"], elsewhere["hints"]) == ([], [])


def test_a_plan_that_cannot_be_loaded_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text("{")
    said = run_here(capsys, "check", f"--plan={tmp_path / 'plan.json'}", f"{TRACK}e")
    assert (said.code, said.out) == (1, "")
    assert "plan.json" in said.err
