"""Reads the arguments of ``check``, and prints what was found out about each URL."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ...access import Signer
from ...collector import Collector
from ...events import EVENT_TYPES, PATHS, SEGMENT_PATHS
from ...schema import TrackingPlan
from ..application import load_application, pixels_of
from ..console import json_text, print_line, print_text
from ..link import read_keys
from ..small_file import read_small_text
from .checker import Checker, Result

if TYPE_CHECKING:
    from ..parser import Commands

_DESCRIPTION = (
    "Say which event the URL of a pixel becomes, or each fault for which it would be refused, and what is likely a "
    "mistake in it. Nothing is stored and nothing is sent. Exits with 1 if a URL would be refused."
)
_EXAMPLES = (
    "python -m pixelmw check '/pixel/v1/track?writeKey=demo&userId=42&event=Opened'",
    "python -m pixelmw check --app myapp:app --json - < urls.txt",
)


def add_check(commands: Commands) -> None:
    """Add the command ``check``."""
    command = commands.add_parser(
        "check", help="say what becomes of a pixel's URL, and why", description=_DESCRIPTION, examples=_EXAMPLES
    )
    command.add_argument(
        "urls",
        nargs="+",
        metavar="URL",
        help="a whole URL, or its path and query, in single quotes; - reads URLs from standard input, one a line",
    )
    rules = command.add_mutually_exclusive_group()
    rules.add_argument(
        "--app",
        metavar="MODULE:NAME",
        help="check by the rules of this application, with its paths, schemas, plan, write keys, signer and enrichers "
        "(default: $PIXELMW_APP)",
    )
    rules.add_argument("--plan", metavar="PATH", help="check by this tracking plan too: a JSON file, or a folder")
    rules.add_argument("--schema", metavar="FILE", help="check by this JSON Schema in place of the event type's own")
    command.add_argument(
        "--keys-file", metavar="FILE", help="look into signed links; the file has one key a line, the oldest first"
    )
    command.add_argument("--json", action="store_true", help="print a line of JSON for each URL")
    command.set_defaults(run=_run_check)


def _run_check(arguments: argparse.Namespace) -> int:
    signer = Signer(read_keys(arguments.keys_file)) if arguments.keys_file else None
    checker = Checker(_pixels(arguments, signer), signer)
    several = len(arguments.urls) > 1 or "-" in arguments.urls
    code = 0
    for text in _each_url(arguments.urls):
        result = checker.check(text)
        if result.faults:
            code = 1
        read = print_line(json_text(_as_json(result))) if arguments.json else _print(result, several=several)
        if not read:
            break
    return code


def _pixels(arguments: argparse.Namespace, signer: Signer | None) -> dict[str, tuple[str, Collector]]:
    """Each path, with its event type and the collector of the pixel there."""
    name: str | None = arguments.app
    if name is None and arguments.schema is None and arguments.plan is None:
        name = os.environ.get("PIXELMW_APP")
    if name is not None:
        found: dict[str, tuple[str, Collector]] = {}
        for mount, middleware in pixels_of("--app", name, load_application("--app", name)).items():
            collector = middleware.collector
            collector.sink = collector.reporter.on_reject = _ignore
            found |= {mount + path: (event_type, collector) for path, event_type in middleware.paths.items()}
        return found
    plan = TrackingPlan.load(arguments.plan) if arguments.plan else None
    schemas = dict.fromkeys(EVENT_TYPES, _read_json(arguments.schema)) if arguments.schema else None
    try:
        collector = Collector(_ignore, schemas=schemas, plan=plan, signer=signer, unsigned="allow", on_reject=_ignore)
    except (TypeError, ValueError) as error:
        raise ValueError(f"--schema {arguments.schema}: {error}") from None
    return {path: (event_type, collector) for path, event_type in (PATHS | SEGMENT_PATHS).items()}


def _read_json(path: str) -> Any:
    text = read_small_text("--schema", path)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"--schema {path}: it is not JSON: {error}") from None


def _ignore(event_or_refusal: object) -> None:
    """Take an event or a refusal: nothing is stored, and the refusal is raised as well."""


def _each_url(urls: list[str]) -> Iterator[str]:
    for url in urls:
        if url != "-":
            yield url
            continue
        # Bytes that are not UTF-8 stay what they are, as they do in an argument.
        sys.stdin.reconfigure(encoding="utf-8", errors="surrogateescape")  # type: ignore[union-attr]  # a TextIOWrapper
        yield from (line.strip() for line in sys.stdin if line.strip())


def _as_json(result: Result) -> dict[str, Any]:
    return {
        "url": result.url,
        "type": result.event_type,
        "accepted": not result.faults,
        "discarded": result.discarded,
        "event": result.event,
        "faults": [fault._asdict() for fault in result.faults],
        "hints": [hint._asdict() for hint in result.hints],
    }


def _print(result: Result, *, several: bool) -> bool:
    """Print a result for people; returns False if nobody reads it."""
    read = print_line(result.url) if several else True
    for fault in result.faults:
        where = f"{fault.parameter}: " if fault.parameter and fault.parameter not in fault.message else ""
        rule = f", {fault.rule}" if fault.rule else ""
        read &= print_line(f"fault: {where}{fault.message} ({fault.code}{rule})", word="fault:", colour="red")
    for hint in result.hints:
        read &= print_line(f"hint: {hint.message}", word="hint:", colour="yellow")
    if result.discarded:
        read &= print_line("accepted, and discarded by an enricher", word="accepted", colour="green")
    if result.event is not None:
        read &= print_line(f"accepted, as this {result.event_type} event:", word="accepted", colour="green")
        read &= print_text(json_text(result.event, indent=2))
    return read
