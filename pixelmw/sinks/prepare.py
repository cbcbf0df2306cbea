"""Turns a batch into what a file takes, and tells apart the events that no file would take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from ..events import Event

_T = TypeVar("_T")


def prepare(make: Callable[[Event], _T], events: Sequence[Event]) -> tuple[dict[int, _T], dict[int, Exception]]:
    """What *make* returns for each event, and what it raises, both by the event's place in *events*."""
    made: dict[int, _T] = {}
    failures: dict[int, Exception] = {}
    for place, event in enumerate(events):
        try:
            made[place] = make(event)
        except Exception as error:
            failures[place] = error
    return made, failures
