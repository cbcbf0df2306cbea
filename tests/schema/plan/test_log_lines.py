"""What the log says about events of a plan: the planned name, and no value of the visitor's."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from pixelmw import PixelMiddleware, TrackingPlan
from pixelmw.collector import log_rejected
from tests.support.pixel import Pixel, host_app
from tests.support.plans import PLANS, write


@pytest.mark.parametrize(
    ("query", "line"),
    [
        ("event=Order+Completed&properties.order_id=Ada",
         'refused a track event "Order Completed": invalid at properties.total (required)'),
        ("event=Ada", "refused a track event: invalid at event (unplanned)"),
        ("event=Order+Completed&properties.order_id=7&properties.total=1&properties.totl=Ada",
         'refused a track event "Order Completed": invalid at properties.totl (additionalProperties)'),
        ("event=Signed+Up&context.screen.width=Ada",
         'refused a track event "Signed Up": invalid at context.screen.width (type)'),
    ],
)  # fmt: skip
def test_the_line_about_a_refusal_names_the_planned_event(
    query: str, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    plan = TrackingPlan(PLANS["pixelmw"], unplanned="refuse", unplanned_properties="refuse")
    pixel = Pixel(plan=plan, on_reject=log_rejected)
    pixel.get("/pixel/v1/track", f"writeKey=k&userId=1&{query}")
    assert caplog.messages == [line]


def test_what_is_ignored_is_logged_once_for_a_middleware(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    caplog.set_level(logging.INFO, "pixelmw.requests")
    path = write(tmp_path, "Data Catalog")
    PixelMiddleware(host_app, print, plan=TrackingPlan.load(path))
    assert caplog.messages == [f"{path} has what JSON Schema does not know; it is ignored: required: []"]
    PixelMiddleware(host_app, print, plan=TrackingPlan(PLANS["pixelmw"]))
    assert len(caplog.messages) == 1
