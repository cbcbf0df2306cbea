"""Reads the arguments of ``tail``, and prints the events of a store, the last ones first and then those to come."""

from __future__ import annotations

import argparse
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ...events import EVENT_TYPES, Event
from ..console import json_text, print_line, reader_has_gone
from ..lines import event_line
from .jsonlines import JSONLinesFollower
from .sqlite import SQLiteFollower
from .store import is_sqlite

if TYPE_CHECKING:
    from ..parser import Commands

# Seconds between two looks. It costs next to nothing, and nobody sees a difference to none.
_INTERVAL = 0.25
# With a filter, so many of the last events are looked through for those that it lets pass.
_LOOKED_THROUGH = 10_000
_MAX_LINES = 10_000

_DESCRIPTION = (
    "Print the last events of a store, and then each new one as it comes, until interrupted. The store is opened for "
    "reading only; other processes may write to it, move it away or begin it anew."
)
_EXAMPLES = (
    "python -m pixelmw tail pixelmw.db",
    "python -m pixelmw tail events.jsonl --type track --event 'Order Completed' --json",
)


def add_tail(commands: Commands) -> None:
    """Add the command ``tail``."""
    command = commands.add_parser(
        "tail", help="print the events of a store as they come", description=_DESCRIPTION, examples=_EXAMPLES
    )
    command.add_argument("path", metavar="PATH", help="an SQLite database, or a file of JSON lines")
    command.add_argument("--type", choices=EVENT_TYPES, help="events of this type only")
    command.add_argument("--event", metavar="NAME", help="events of this name only, or pages and screens of this name")
    command.add_argument("--user", metavar="ID", help="events with this userId or anonymousId only")
    command.add_argument(
        "--lines", type=_lines, default=10, metavar="N", help="how many of the last events come first (default: 10)"
    )
    command.add_argument("--json", action="store_true", help="print each event whole, as a line of JSON")
    command.set_defaults(run=_run_tail)


def _lines(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) <= _MAX_LINES):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to {_MAX_LINES:,}")
    return int(text)


def _run_tail(arguments: argparse.Namespace) -> None:
    wanted = _filter_of(arguments)
    path = Path(arguments.path)
    has_filter = any((arguments.type, arguments.event, arguments.user))
    follower: SQLiteFollower | JSONLinesFollower
    if is_sqlite(path):
        follower = SQLiteFollower(path, _LOOKED_THROUGH if has_filter and arguments.lines else arguments.lines)
    else:
        follower = JSONLinesFollower(path)
    print_event: Callable[[Event], bool] = _print_json if arguments.json else _print_line
    try:
        last = deque(filter(wanted, follower.new_events()), maxlen=arguments.lines)
        _follow(follower, last, wanted, print_event)
    finally:
        follower.close()


def _follow(
    follower: SQLiteFollower | JSONLinesFollower,
    first: deque[Event],
    wanted: Callable[[Event], bool],
    print_event: Callable[[Event], bool],
) -> None:
    """Print the *first* events and those to come, until nobody reads them."""
    if not all(map(print_event, first)):
        return
    was_away, told = False, 0
    while not reader_has_gone():
        if follower.skipped > told:
            print_line(f"{follower.skipped - told} skipped: no events, or too long", error=True)
            told = follower.skipped
        if follower.is_away and not was_away:
            print_line(f"{follower.path} is away; waiting for it to come back", error=True)
        was_away = follower.is_away
        time.sleep(_INTERVAL)
        if not all(map(print_event, filter(wanted, follower.new_events()))):
            return


def _filter_of(arguments: argparse.Namespace) -> Callable[[Event], bool]:
    def wanted(event: Event) -> bool:
        names, users = [event.get("event"), event.get("name")], [event.get("userId"), event.get("anonymousId")]
        return (
            arguments.type in (None, event.get("type"))
            and (arguments.event is None or arguments.event in names)
            and (arguments.user is None or arguments.user in users)
        )

    return wanted


def _print_line(event: Event) -> bool:
    received = event.get("receivedAt")
    # "2026-11-23T12:34:56.789Z": the day matters as much as the second, since the store may be old.
    at = received.replace("T", " ")[:19] if isinstance(received, str) else "?"
    return print_line(event_line(event, at=at), word="stored", colour="green")


def _print_json(event: Event) -> bool:
    return print_line(json_text(event))
