"""The tracking plan as users make it: its events, its options, and where it was loaded from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, get_args

from ...system.json_values import find_non_json
from .contents import SECTION_OF_TYPE, Contents, PlanError, Planned, version_text
from .files import read_plan
from .nearest import NearestName
from .shapes import OURS

if TYPE_CHECKING:
    import os

_Unplanned = Literal["allow", "annotate", "refuse"]
_UnplannedProperties = Literal["allow", "omit", "annotate", "refuse"]
_Violations = Literal["refuse", "annotate"]
_Key = TypeVar("_Key")


class TrackingPlan:
    """What each named event must hold, beside what its type asks for.

    ::

        plan = TrackingPlan({
            "Order Completed": {
                "required": ["order_id", "total"],
                "properties": {"order_id": {"type": "string"}, "total": {"type": "number", "minimum": 0}},
            },
            "Signed Up": {},
        }, unplanned="refuse")
        application = PixelMiddleware(app, sink, plan=plan)

    Names match exactly. The schemas are JSON Schemas, of draft 2020-12 unless
    they say otherwise; all of them are checked here, and each is compiled when
    the first event of its name comes. Absent properties, or traits, are judged
    as ``{}``. It can be shared by any number of middlewares, threads and processes.

    :param events: name of a track event to the schema of its properties.
    :param types: ``"identify"`` and ``"group"`` to the schema of the traits,
        ``"page"`` and ``"screen"`` to the schema of the properties.
    :param common: a schema of every whole event, of all types.
    :param unplanned: what becomes of track events that are not named:
        ``"allow"``, ``"annotate"`` or ``"refuse"``.
    :param unplanned_properties: what becomes of properties and traits that the
        schema does not name, at any depth of it that lists properties:
        ``"allow"``, ``"omit"``, ``"annotate"`` or ``"refuse"``.
    :param violations: what becomes of an event that its schema does not
        accept: ``"refuse"`` or ``"annotate"``.
    :param id: what ``context.trackingPlanId`` of every event says; ``None`` for nothing.
    :param version: what ``context.trackingPlanVersion`` says, likewise.
    :param name: what errors call the plan.
    :raises TypeError: for an argument of the wrong kind.
    :raises ValueError: for an unknown option or type, or a schema that cannot be used, with its name.
    :ivar shape: the format that was recognised, in words.
    :ivar ignored: what the plan holds that JSON Schema does not know, and that is ignored, each once.
    """

    def __init__(
        self,
        events: Mapping[str, Any],
        *,
        types: Mapping[str, Any] | None = None,
        common: Mapping[str, Any] | None = None,
        unplanned: _Unplanned = "allow",
        unplanned_properties: _UnplannedProperties = "allow",
        violations: _Violations = "refuse",
        id: str | None = None,  # noqa: A002 - the plan's word for it, and RudderStack's
        version: str | float | None = None,
        name: str = "the plan",
    ) -> None:
        _check_mapping("events", events)
        contents = Contents(shape=OURS)
        for event, schema in events.items():
            contents.add("track", event, schema, (event,), section=("properties",))
        self._set_up(contents, name, unplanned, unplanned_properties, violations)
        self._add_options(contents, types, common, id, version)

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        *,
        types: Mapping[str, Any] | None = None,
        common: Mapping[str, Any] | None = None,
        unplanned: _Unplanned = "allow",
        unplanned_properties: _UnplannedProperties = "allow",
        violations: _Violations = "refuse",
        id: str | None = None,  # noqa: A002
        version: str | float | None = None,
        name: str | None = None,
    ) -> Self:
        """Load a plan from a file, or from a folder of schemas.

        These formats are recognised by their structure, and load unchanged:
        Segment's Config API and Public API, Typewriter 6 to 8, RudderStack's
        first form and its Data Catalog's, RudderTyper, and event names with
        schemas of their properties, as the class takes them.

        :param path: a JSON file; or a folder with ``track/NAME.json`` for the
            properties of an event, ``identify.json`` and so on for ``types``,
            ``common.json`` for ``common``.
        :param types: adds to those of the file, or replaces them.
        :param common: replaces that of the file.
        :param id: and ``version``: instead of those of the file.
        :param name: what errors call the plan; the path, unless it is given.
        :raises OSError: if it cannot be read.
        :raises ValueError: for what cannot be loaded, with file, line and JSON pointer.
        """
        contents, faults = read_plan(Path(path))
        if faults:
            raise PlanError(faults)
        self = cls.__new__(cls)
        self._set_up(contents, name or str(path), unplanned, unplanned_properties, violations)
        self._add_options(contents, types, common, id, version)
        return self

    def _set_up(
        self, contents: Contents, name: str, unplanned: str, unplanned_properties: str, violations: str
    ) -> None:
        self.name = name
        self.shape = contents.shape
        self.unplanned = _checked("unplanned", unplanned, _Unplanned)
        self.unplanned_properties = _checked("unplanned_properties", unplanned_properties, _UnplannedProperties)
        self.violations = _checked("violations", violations, _Violations)

    def _add_options(
        self,
        contents: Contents,
        other_types: Mapping[str, Any] | None,
        common: Any,
        plan_id: str | None,
        version: str | float | None,
    ) -> None:
        _check_mapping("types", {} if other_types is None else other_types)
        given = Contents(ignored=contents.ignored)
        for event_type, schema in (other_types or {}).items():
            if event_type not in SECTION_OF_TYPE:
                known = ", ".join(SECTION_OF_TYPE)
                raise ValueError(f"types has the unknown event type {event_type!r}; known are {known}")
            given.add(event_type, "", schema, ("types", event_type), section=(SECTION_OF_TYPE[event_type],))
        if common is not None:
            given.add(None, "", common, ("common",))
        given.faults = contents.faults + given.faults
        if given.faults:
            raise PlanError(given.faults_in(self.name))
        self.ignored = tuple(contents.ignored)
        self.id = _checked_id("id", contents.id if plan_id is None else plan_id, str)
        self.version = _checked_id("version", contents.version if version is None else version, str | int | float)
        replaced = {planned.event_type for planned in given.planned}
        events: dict[str, list[Planned]] = {}
        types: dict[str | None, list[Planned]] = {}
        for planned in [each for each in contents.planned if each.event_type not in replaced] + given.planned:
            if planned.event_type == "track":
                events.setdefault(planned.name, []).append(planned)
            else:
                types.setdefault(planned.event_type, []).append(planned)
        self._events = _oldest_first(events)
        self._types = _oldest_first(types)
        self._nearest = NearestName(self._events)

    def __repr__(self) -> str:
        return f"<TrackingPlan {self.name!r}, {self.shape}: {len(self._events)} events>"

    @property
    def events(self) -> tuple[str, ...]:
        """The names of the planned track events, in the order of the plan."""
        return tuple(self._events)

    @property
    def planned_types(self) -> frozenset[str | None]:
        """The event types that have a schema, without "track"; ``None`` stands for the one of all types."""
        return frozenset(self._types)

    def find(self, event_type: str | None, event: Mapping[str, Any]) -> Planned | None:
        """The schema that the plan has for *event*; ``None`` if there is none.

        Of several versions, it is the one that ``context.protocols.event_version``
        names, else the oldest.

        :param event_type: ``None`` for the schema of all types.
        """
        if event_type == "track":
            name = event.get("event")
            versions = self._events.get(name) if isinstance(name, str) else None
        else:
            versions = self._types.get(event_type)
        if versions is None:
            return None
        if len(versions) == 1:
            return versions[0]
        wanted = _wanted_version(event)
        return next((planned for planned in versions if planned.version == wanted), versions[0])

    def nearest(self, name: str) -> str | None:
        """The planned name that is nearest to *name*; ``None`` if none is near."""
        return self._nearest.find(name)


def _oldest_first(versions: Mapping[_Key, list[Planned]]) -> dict[_Key, list[Planned]]:
    return {key: sorted(each, key=lambda planned: planned.age) for key, each in versions.items()}


def _wanted_version(event: Mapping[str, Any]) -> str:
    value: Any = event
    for name in ("context", "protocols", "event_version"):
        value = value.get(name) if isinstance(value, dict) else None
    return version_text(value)


def _checked(argument: str, value: str, known: Any) -> str:
    if value not in get_args(known):
        raise ValueError(f"{argument} is {value!r}; known are {', '.join(map(repr, get_args(known)))}")
    return value


def _check_mapping(argument: str, value: Any) -> None:
    if not isinstance(value, Mapping):
        raise TypeError(f"{argument} is {value!r:.100}: it maps names to JSON Schemas")


def _checked_id(argument: str, value: Any, kinds: Any) -> Any:
    if value is not None and (isinstance(value, bool) or not isinstance(value, kinds)):
        raise TypeError(f"{argument} is {value!r:.100}: events are to carry it, so it is a string or a number")
    if fault := find_non_json(value):
        raise ValueError(f"{argument} is {value!r:.100}, {fault[1]}: events are to carry it")
    return value
