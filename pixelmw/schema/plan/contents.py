"""What a plan holds once it is read, whichever format it came in: a schema for each planned event, and the faults."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ...params import Limits
from ..judge import EventSchema
from ..load import SchemaFault, load_schema
from ..located import reachable_schemas
from ..patterns import Patterns
from ..places import Place, pointer
from ..values import value_of_text
from .quirks import cleaned

#: The types that a plan may have a schema for beside the named events of "track", and where what it plans stands.
SECTION_OF_TYPE = {"identify": "traits", "group": "traits", "page": "properties", "screen": "properties"}
#: For every type that has a section, the names that lead to it.
FILLS_OF_TYPE = {"track": ("properties",), **{each: (section,) for each, section in SECTION_OF_TYPE.items()}}

# Fewer schemas cannot be nested so deep that the compiler gives up.
_SURELY_FLAT = 100


class PlanError(ValueError):
    """A plan that cannot be used.

    :ivar faults: all that is wrong with it.
    """

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        more = len(faults) - 1
        rest = f" ({more} more: python -m pixelmw plan lists them)" if more else ""
        super().__init__(f"{faults[0]}{rest}")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a plan.

    :ivar file: the file that it is in, or what the plan is called.
    :ivar line: the line of the file, from 1; ``None`` if there is none.
    :ivar place: the JSON pointer of what is wrong; empty for the file as a whole.
    """

    file: str
    line: int | None
    place: str
    reason: str

    def __str__(self) -> str:
        line = f", line {self.line}" if self.line else ""
        return f"{self.file}{line}{f', at {self.place}' if self.place else ''}: {self.reason}"


@dataclass(frozen=True, slots=True, eq=False)
class Planned:
    """One schema of a plan.

    :ivar event_type: the type of the events that it is for; ``None`` for those of all types.
    :ivar name: the name of the event, of "track"; else empty.
    :ivar version: the version as the plan spells it, as text; empty if there is none.
    :ivar section: the names that lead to what the schema describes; empty if that is the whole event.
    :ivar fills: the names that lead to what is judged as ``{}`` where it is absent; empty if the event's type tells.
    :ivar text: the schema as JSON. That takes a fifth of the memory of the dicts.
    """

    event_type: str | None
    name: str
    version: str
    section: tuple[str, ...]
    fills: tuple[str, ...]
    text: str

    @property
    def title(self) -> str:
        """What a message calls it."""
        return _title(self.event_type, self.name)

    @property
    def age(self) -> tuple[list[int], str]:
        """A sort key: the oldest version comes first."""
        return [int(digits) for digits in re.findall(r"[0-9]+", self.version)], self.version

    def compiled(self, pattern_steps: int | None) -> EventSchema:
        """The schema, compiled. It is known to be one, since it was added to the contents of a plan."""
        return EventSchema(self.title, json.loads(self.text), pattern_steps, is_checked=True)


@dataclass(slots=True)
class Contents:
    """The contents of a plan.

    :ivar shape: the format, in words.
    :ivar id: the plan's id, or ``None``.
    :ivar version: the plan's version, or ``None``.
    :ivar ignored: what it holds that JSON Schema does not know, each once.
    """

    shape: str = "unknown"
    id: str | None = None
    version: str | int | float | None = None
    planned: list[Planned] = field(default_factory=list)
    ignored: dict[str, None] = field(default_factory=dict)
    faults: list[tuple[Place, str]] = field(default_factory=list)
    _index: dict[tuple[str | None, str], list[Planned]] = field(default_factory=dict)

    def add(
        self,
        event_type: str | None,
        name: object,
        schema: object,
        place: Place,
        *,
        section: tuple[str, ...] = (),
        fills: tuple[str, ...] = (),
        version: object = None,
        dialect: str | None = None,
    ) -> None:
        """Check one schema, and add it; what is wrong with it becomes a fault.

        :param place: where the schema stands in the plan.
        :param dialect: what it is written in if it does not say so.
        """
        if event_type == "track" and not (isinstance(name, str) and name.strip()):
            return self.fault(place, f"the name of an event is {name!r:.100}: it is a string that is not blank")
        name = name if isinstance(name, str) and event_type == "track" else ""
        title = _title(event_type, name)
        if not isinstance(schema, dict):
            return self.fault(place, f"{title} is {schema!r:.100}: a schema is an object")
        try:
            schema = cleaned(schema, self.ignored, dialect)
            _check(title, schema)
            text = json.dumps(schema, ensure_ascii=False, separators=(",", ":"))
            (name + text).encode()  # violations quote both, and events with half of a surrogate pair are no JSON
        except SchemaFault as error:
            return self.fault((*place, *error.place), str(error))
        except (TypeError, ValueError, RecursionError) as error:
            return self.fault(place, f"{title} is not JSON: {error!s:.200}")
        fills = fills or section or FILLS_OF_TYPE.get(event_type or "", ())
        added = Planned(event_type, name, version_text(version), section, fills, text)
        if any(each.version == added.version for each in self._same(added)):
            return self.fault(place, f"{title} is there twice{f', in version {added.version}' if version else ''}")
        self.planned.append(added)
        self._index.setdefault((event_type, name), []).append(added)
        return None

    def _same(self, planned: Planned) -> list[Planned]:
        return self._index.get((planned.event_type, planned.name), [])

    def fault(self, place: Place, reason: str) -> None:
        """Note what is wrong."""
        self.faults.append((place, reason))

    def faults_in(self, file: str, line_of: Callable[[Place], int] | None = None) -> list[Fault]:
        """The faults.

        :param file: what they are in.
        :param line_of: finds the line of a place; without it there are no lines.
        """
        return [
            Fault(file, line_of(place) if line_of else None, pointer(place), reason) for place, reason in self.faults
        ]


def version_text(version: object) -> str:
    """*version* as text: 2, 2.0, "2" and "2.0" are one version."""
    if isinstance(version, str):
        found = value_of_text(version)
        version = found if isinstance(found, float) and found.is_integer() else version
    if isinstance(version, float) and version.is_integer():
        version = int(version)
    return "" if version is None or isinstance(version, bool) else str(version).strip()


def _title(event_type: str | None, name: str) -> str:
    if event_type is None:
        return "the common schema"
    return f"the schema of {name!r:.100}" if name else f"the schema of {event_type}"


def _check(title: str, schema: dict[str, Any]) -> None:
    # The bound of the collector's limits is known only later. It bounds texts; which patterns are refused does not
    # depend on it, unless it is very small.
    _, located = load_schema(title, schema, Patterns(Limits().pattern_steps))
    if sum(1 for _ in reachable_schemas(located)) >= _SURELY_FLAT:
        EventSchema(title, located.schema, is_checked=True)
