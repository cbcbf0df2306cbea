"""The lines that a terminal shows about events and refusals."""

from __future__ import annotations

import time
from typing import Any

from ..errors import Rejected
from ..events import Event
from ..text import printable, shortened


def event_line(event: Event, *, at: str | None = None) -> str:
    """A line about a stored event.

    :param at: the time that the line begins with; the present one unless it is given.
    """
    label = event.get("event") or event.get("name") or ""
    who = event.get("userId") or event.get("anonymousId")
    return _line(
        at,
        "stored",
        shortened(f"{event.get('type')}"),
        shortened(f"{label}"),
        f"by {shortened(str(who))}",
        f"id {shortened(str(event.get('messageId')))}",
    )


def refusal_line(refusal: Rejected) -> str:
    """A line about a refused request: its type, its name if that is planned, and what is wrong in a sentence."""
    name = shortened(refusal.planned_name or "")
    return _line(None, "refused", str(refusal.event_type), name, f"{refusal.code}:", printable(refusal.message))


def failure_line(event_type: str) -> str:
    """A line about an event that was neither stored nor refused; the log says why."""
    return _line(None, "failed", event_type, "was not stored: see the log above")


def discard_line() -> str:
    """A line about an event that an enricher discarded."""
    return _line(None, "dropped", "by an enricher, on purpose")


def near_miss_line(path: str, pixel_path: str) -> str:
    """A line about a request to *path*, which is not *pixel_path*, but looks like it."""
    return _line(None, "passed", shortened(path), f"to the application: the pixel's path is {pixel_path}")


def refusal_json(refusal: Rejected) -> dict[str, Any]:
    """What a machine is told about a refused request; the write key in the query is masked."""
    return {
        "code": refusal.code,
        "status": refusal.status,
        "type": refusal.event_type,
        "parameter": refusal.path,
        "rule": refusal.rule,
        "message": refusal.message,
        "query": refusal.query,
    }


def _line(at: str | None, outcome: str, *parts: str) -> str:
    """The time, the outcome and the *parts* that are not empty."""
    return " ".join(part for part in (at or time.strftime("%H:%M:%S"), f"{outcome:8}", *parts) if part)
