"""A tracking plan in the settings of Django and Flask: a path, a dotted path, or the plan itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pixelmw import TrackingPlan
from pixelmw.contrib.options import resolve
from tests.support.plans import FOLDER, PLANS, write

planned = TrackingPlan(PLANS["pixelmw"], unplanned="refuse")


@pytest.mark.parametrize("kind", ["a Path", "a text", "a folder", "a plan", "a dotted path"])
def test_a_plan_may_be_a_path_a_dotted_path_or_itself(kind: str, tmp_path: Path) -> None:
    values: dict[str, Any] = {"a plan": planned, "a dotted path": f"{__name__}.planned"}
    if kind not in values:
        path = write(tmp_path, FOLDER if kind == "a folder" else "pixelmw")
        values[kind] = str(path) if kind == "a text" else path
    plan = resolve("plan", values[kind])
    assert isinstance(plan, TrackingPlan)
    assert plan.events == ("Order Completed", "Signed Up")
    assert (plan is planned) == (kind in ("a plan", "a dotted path"))


@pytest.mark.parametrize("text", ["plan.json", "plans/", "plans\\plan.json"])
def test_a_text_that_is_a_path_is_no_dotted_path(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError):
        resolve("plan", text)


def test_flask_takes_a_plan_from_its_configuration(tmp_path: Path) -> None:
    flask = pytest.importorskip("flask")
    from pixelmw.contrib.flask import Pixels

    app = flask.Flask(__name__)
    app.config.update(PIXELMW_PLAN=write(tmp_path, "pixelmw"), PIXELMW_SINK=print, PIXELMW_WRITE_KEYS="optional")
    Pixels(app)
    url = "/pixel/v1/track?userId=1&event=Order+Completed&properties.order_id=7"
    assert app.test_client().get(url, buffered=True).status_code == 400
    assert app.test_client().get(f"{url}&properties.total=9.90", buffered=True).status_code == 200
