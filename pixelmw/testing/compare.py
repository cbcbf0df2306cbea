"""How an event differs from what was expected, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

# Enough to recognise a value; a whole event of 32 KB in a message would hide the rest.
_SHOWN_CHARS = 120


class _Absent:
    def __repr__(self) -> str:
        return "nothing"


ABSENT: Any = _Absent()


def shown(value: object, limit: int = _SHOWN_CHARS) -> str:
    """Return *value* as Python spells it, cut after *limit* characters."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"


def same(one: object, other: object) -> bool:
    """Return True if both are the same JSON: unlike in Python, ``True`` is not ``1``."""
    if isinstance(one, int | float) and isinstance(other, int | float):
        if isinstance(one, bool) != isinstance(other, bool):
            return False
        # A database may spell 1e300 with 301 digits. That is the same JSON number, for whoever reads a double.
        return one == other or (isinstance(one, float) != isinstance(other, float) and _float(one) == _float(other))
    return bool(one == other)


def _float(number: float) -> float | None:
    try:
        return float(number)
    except OverflowError:
        return None


def differences(expected: Any, actual: Any, *, partly: bool = False, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield where *actual* differs from *expected*: the dotted place, what was expected there, and what is there.

    :param partly: True if *actual* may have more keys than *expected*, at any depth.
    """
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        names = [*expected, *([] if partly else [name for name in actual if name not in expected])]
        for name in names:
            place = f"{path}.{name}" if path else str(name)
            yield from differences(expected.get(name, ABSENT), actual.get(name, ABSENT), partly=partly, path=place)
    elif isinstance(expected, list | tuple) and isinstance(actual, list | tuple) and len(expected) == len(actual):
        for index, (one, other) in enumerate(zip(expected, actual, strict=True)):
            yield from differences(one, other, partly=partly, path=f"{path}.{index}" if path else str(index))
    elif not same(expected, actual):
        yield path, expected, actual


def explain(expected: object, actual: object, verbs: tuple[str, str]) -> str:
    """Say how two values at one place differ.

    :param verbs: what to call the two, such as ``("sent", "came back")``.
    """
    first, second = verbs
    if isinstance(expected, str) and isinstance(actual, str) and expected.startswith(actual):
        return f"cut to {len(actual)} of {len(expected)} characters"
    if isinstance(expected, str) and isinstance(actual, str) and max(len(expected), len(actual)) > _SHOWN_CHARS // 2:
        start = next((i for i, (a, b) in enumerate(zip(expected, actual, strict=False)) if a != b), len(expected))
        return (
            f"from character {start} on, {first} {shown(expected[start : start + 40])}, "
            f"{second} {shown(actual[start : start + 40])}"
        )
    return f"{first} {shown(expected)}, {second} {shown(actual)}"


def as_lines(found: list[tuple[str, Any, Any]], verbs: tuple[str, str], limit: int = 8) -> list[str]:
    """Return one line for each difference, and a line for those beyond *limit*."""
    lines = [f"{place or 'the whole'}: {explain(expected, actual, verbs)}" for place, expected, actual in found[:limit]]
    return lines + ([f"and {len(found) - limit} more differences"] if len(found) > limit else [])


def name_of(event: object) -> str:
    """Return a few words by which a reader recognises an event: its type, its name and its messageId."""
    if not isinstance(event, Mapping):
        return shown(event)
    what = event.get("event") or event.get("name")
    name = f" {shown(what, 60)}" if what else ""
    event_type = str(event.get("type", "typeless"))[:30]
    return f"the {event_type} event{name} ({shown(event.get('messageId'), 60)})"


def as_json(value: object) -> str:
    """Return *value* as JSON with its keys sorted: equal JSON gives an equal text."""
    return json.dumps(value, sort_keys=True, default=repr)
