"""What the sinks that send batches somewhere have in common: an event as bytes, and how a batch has gone."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ..events import Event
from .base import PartialFailure, Unavailable, Undeliverable


def encode(event: Event) -> bytes:
    """*event* as compact JSON in UTF-8.

    :raises Undeliverable: for an event that is not JSON, which no second try will change.
    """
    try:
        return json.dumps(event, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise Undeliverable(f"the event is not JSON: {error}") from error


def raise_failures(failures: Mapping[int, Exception | None], count: int) -> None:
    """Raise what says most shortly which events of a batch of *count* were not stored, and why."""
    if not failures:
        return
    first = next(iter(failures.values()))
    alone = len(failures) == count == 1
    all_down = len(failures) == count and all(isinstance(error, Unavailable) for error in failures.values())
    if first is not None and (alone or all_down):
        raise first
    raise PartialFailure(dict(sorted(failures.items())))
