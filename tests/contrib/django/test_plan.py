"""The setting ``PLAN``: a path, a dotted path or a plan; a mistake in it is a system check."""

from __future__ import annotations

from pathlib import Path

from django.core import checks
from django.test import Client, override_settings

from pixelmw import Event
from tests.support import django_site
from tests.support.plans import write

ORDER = "/pixel/v1/track?writeKey=k&userId=1&event=Order+Completed&properties.order_id=7"


def test_the_setting_plan_may_be_a_path(tmp_path: Path) -> None:
    events: list[Event] = []
    setting = {"SINK": events.append, "PLAN": write(tmp_path, "Public API")}
    with override_settings(PIXELMW=setting, MIDDLEWARE=[django_site.MIDDLEWARE]):
        assert Client().get(ORDER).status_code == 400
        assert Client().get(f"{ORDER}&properties.total=9.90").status_code == 200
    assert events[0]["properties"]["total"] == 9.9


def test_a_plan_that_cannot_be_loaded_is_a_system_check(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text('{"Opened":\n{"type": "text"}}')
    with override_settings(PIXELMW={"SINK": print, "PLAN": str(path)}, MIDDLEWARE=[django_site.MIDDLEWARE]):
        (message,) = checks.run_checks(tags=["pixelmw"])
    assert message.id == "pixelmw.E004"
    assert f"{path}, line 2, at /Opened/type" in message.msg
