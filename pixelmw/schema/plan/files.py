"""Reads a plan from a file, or from a folder of schemas."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from .contents import SECTION_OF_TYPE, Contents, Fault
from .json_text import JSONText, UnreadableText
from .shapes import read_value

_NO_JSON = {
    ".csv": "a CSV file holds no schemas: export the plan as JSON, from Segment's Public API for instance",
    ".yaml": "a plan is JSON; the Rudder CLI's YAML holds no schemas: download the plan as JSON instead",
}
_NO_JSON[".yml"] = _NO_JSON[".yaml"]


def read_plan(path: Path) -> tuple[Contents, list[Fault]]:
    """Read the plan at *path*.

    :param path: a JSON file, or a folder of schemas: ``track/NAME.json`` of the properties of an event,
        ``identify.json`` and ``group.json`` of the traits, ``page.json`` and ``screen.json`` of the properties,
        ``common.json`` of all whole events. A slash in a name is ``%2F``.
    :returns: what it holds, and what is wrong with it.
    :raises OSError: if it cannot be read.
    """
    if path.is_dir():
        return _read_folder(path)
    contents = Contents()
    if path.suffix.lower() in _NO_JSON:
        return contents, [Fault(str(path), None, "", _NO_JSON[path.suffix.lower()])]
    return contents, _read_file(path, contents, lambda value: read_value(value, contents))


def _read_file(path: Path, contents: Contents, read: Callable[[Any], None]) -> list[Fault]:
    """Have the JSON of a file read into *contents*; returns the faults in it."""
    try:
        text = JSONText(path.read_bytes())
    except UnreadableText as error:
        return [Fault(str(path), error.line, "", str(error))]
    contents.faults = []
    for place in text.repeated:
        contents.fault(place, f"{place[-1]!r:.100} is there twice in one object")
    read(text.value)
    return contents.faults_in(str(path), text.line_of)


def _read_folder(folder: Path) -> tuple[Contents, list[Fault]]:
    contents, faults = Contents(shape="a folder of schemas"), []
    files = [path for path in sorted(folder.iterdir()) if path.suffix == ".json" and not path.name.startswith(".")]
    for path in files:
        event_type = path.stem
        if event_type not in {"common", *SECTION_OF_TYPE}:
            known = ", ".join(f"{name}.json" for name in ("common", *SECTION_OF_TYPE))
            faults.append(Fault(str(path), None, "", f"a folder has track/NAME OF THE EVENT.json, {known}"))
            continue
        is_common = event_type == "common"
        section = () if is_common else (SECTION_OF_TYPE[event_type],)
        faults += _read_schema(path, None if is_common else event_type, "", section, contents)
    events = folder / "track"
    for path in sorted(events.iterdir()) if events.is_dir() else ():
        if path.suffix == ".json" and not path.name.startswith("."):
            faults += _read_schema(path, "track", unquote(path.stem), ("properties",), contents)
    if not contents.planned and not faults:
        faults.append(Fault(str(folder), None, "", "it has no schemas, such as track/NAME OF THE EVENT.json"))
    return contents, faults


def _read_schema(
    path: Path, event_type: str | None, name: str, section: tuple[str, ...], contents: Contents
) -> list[Fault]:
    return _read_file(path, contents, lambda schema: contents.add(event_type, name, schema, (), section=section))
