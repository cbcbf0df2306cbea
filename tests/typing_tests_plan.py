"""What a type checker makes of tracking plans: mypy reads this file, as it does typing_tests.py, and nobody runs it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import assert_type
from wsgiref.types import StartResponse, WSGIEnvironment

from pixelmw import Collector, PixelMiddleware, TrackingPlan


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """A WSGI application of the user's."""
    return []


def tracking_plans(path: Path) -> None:
    plan = TrackingPlan({"Opened": {"required": ["mail"]}}, types={"page": {}}, unplanned="refuse", version=4)
    assert_type(TrackingPlan.load(path, unplanned_properties="omit", violations="annotate"), TrackingPlan)
    assert_type(TrackingPlan.load("plan.json").shape, str)
    assert_type(plan.events, tuple[str, ...])
    PixelMiddleware(application, print, plan=plan)
    Collector(print, plan=None)
    TrackingPlan({}, unplanned="omit")  # type: ignore[arg-type]
    PixelMiddleware(application, print, plan="plan.json")  # type: ignore[arg-type]
