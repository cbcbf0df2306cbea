"""Checks a tracking plan: ``python -m pixelmw plan``."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..schema.plan.compiled_plan import planned_properties
from ..schema.plan.contents import Contents, Fault, Planned
from ..schema.plan.files import read_plan
from ..text import printable
from .console import json_text, print_line, print_text

if TYPE_CHECKING:
    from .parser import Commands


def add_plan(commands: Commands) -> None:
    """Add the command ``plan``."""
    command = commands.add_parser(
        "plan",
        help="check a tracking plan, and list its events",
        description="Check a tracking plan: its format, its events with their properties, and what is wrong with it. "
        "A * marks a property that must be there. Exits with 1 if something is.",
        examples=["python -m pixelmw plan plan.json"],
    )
    command.add_argument("path", metavar="PATH", help="a JSON file, or a folder of schemas")
    command.add_argument("--json", action="store_true", help="print it as JSON")
    command.set_defaults(run=_run_plan)


def _run_plan(arguments: argparse.Namespace) -> int:
    contents, faults = read_plan(Path(arguments.path))
    report = _report(contents, faults)
    if arguments.json:
        print_text(json_text(report, indent=2))
    else:
        for line in _lines(report, faults):
            print_line(printable(line))
    return 1 if faults else 0


def _report(contents: Contents, faults: list[Fault]) -> dict[str, Any]:
    return {
        "shape": contents.shape,
        "id": contents.id,
        "version": contents.version,
        "events": [_event(planned) for planned in contents.planned],
        "ignored": list(contents.ignored),
        "faults": [asdict(fault) for fault in faults],
    }


def _event(planned: Planned) -> dict[str, Any]:
    properties = planned_properties(planned)
    return {
        "type": planned.event_type or "every type",
        "name": planned.name or None,
        "version": planned.version or None,
        "properties": properties,
    }


def _lines(report: dict[str, Any], faults: list[Fault]) -> list[str]:
    said = [f"{word} {report[word]}" for word in ("id", "version") if report[word] is not None]
    lines = [", ".join([f"{report['shape']}: {_count(len(report['events']), 'schema')}", *said])]
    for event in report["events"]:
        title = event["type"] if event["name"] is None else f"{event['type']} {event['name']}"
        version = f", version {event['version']}" if event["version"] else ""
        names = [f"{name}{'*' if each['required'] else ''}" for name, each in event["properties"].items()]
        lines.append(f"  {title}{version}: {', '.join(names) or 'any properties'}")
    if report["ignored"]:
        lines.append(f"ignored, since JSON Schema does not know it: {', '.join(report['ignored'])}")
    return [*lines, *map(str, faults), _count(len(faults), "fault") if faults else "no faults"]


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
