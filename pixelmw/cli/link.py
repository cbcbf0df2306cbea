"""Prints the URL of a pixel, or its tag: ``python -m pixelmw link``."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ..errors import Rejected
from ..events import EVENT_TYPES, PATHS
from ..links import Links, Signer
from ..params import Limits, parse_query
from .console import print_line
from .small_file import read_small_text

if TYPE_CHECKING:
    from .parser import Commands

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
# The options that hold one field of the event each.
_FIELDS = {
    "event": ("event", "name of a track event"),
    "name": ("name", "name of a page or screen"),
    "user": ("userId", "userId"),
    "anonymous": ("anonymousId", "anonymousId"),
    "group": ("groupId", "groupId of a group event"),
    "previous": ("previousId", "previousId of an alias event"),
    "message-id": (
        "messageId",
        "messageId, so that a message that is opened twice counts once where the sink sees to that",
    ),
}
_OBJECTS = {"property": "properties", "trait": "traits", "context": "context"}


def add_link(commands: Commands) -> None:
    """Add the command ``link``."""
    command = commands.add_parser(
        "link",
        help="print the URL of a pixel, or its tag",
        description="Print the URL of a pixel, or its <img> tag.",
        examples=[
            "python -m pixelmw link --base https://pixels.example --write-key newsletter "
            '--event "Email Opened" --user 42 --property campaign=spring --img'
        ],
    )
    command.add_argument("--base", required=True, metavar="URL", help="scheme and host of the pixels")
    command.add_argument("--type", choices=EVENT_TYPES, default="track", help="event type (default: track)")
    command.add_argument("--path", help="path of the pixel, if it is none of the default ones")
    command.add_argument("--write-key", metavar="KEY", help="write key that the link carries")
    for option, (_, meaning) in _FIELDS.items():
        command.add_argument(f"--{option}", metavar="TEXT", help=meaning)
    for option, field in _OBJECTS.items():
        command.add_argument(
            f"--{option}",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help=f"one of its {field}; dots nest; may be repeated",
        )
    command.add_argument("--keys-file", metavar="FILE", help="sign it; the file has one key a line, the oldest first")
    command.add_argument("--expires-in", metavar="TIME", help="end of a signed link, such as 90d, 12h, 30m or 45s")
    command.add_argument("--img", action="store_true", help="print the <img> tag")
    command.set_defaults(run=_run_link)


def _run_link(arguments: argparse.Namespace) -> None:
    signer = Signer(read_keys(arguments.keys_file)) if arguments.keys_file else None
    paths = {arguments.path: arguments.type} if arguments.path else PATHS
    if arguments.type not in paths.values():
        raise ValueError(f"{arguments.type} events have no default path: give --path")
    links = Links(arguments.base, write_key=arguments.write_key, paths=paths, signer=signer)
    expires_in = _duration(arguments.expires_in) if arguments.expires_in else None
    url = links.url(arguments.type, _event_of(arguments), expires_in=expires_in)
    print_line(links.img(url) if arguments.img else url)


def _event_of(arguments: argparse.Namespace) -> dict[str, Any]:
    given = vars(arguments)
    event = {field: given[option.replace("-", "_")] for option, (field, _) in _FIELDS.items()}
    return event | {field: _tree(option, given[option]) for option, field in _OBJECTS.items()}


def _tree(option: str, pairs: Sequence[str]) -> dict[str, Any]:
    """The tree that ``a.b=c`` stands for, by the rules of a query."""
    for pair in pairs:
        if not re.match(r"[^=]+=", pair):
            raise ValueError(f"--{option} {pair!r}: write NAME=VALUE")
    query = "&".join(f"{quote(name)}={quote(value)}" for name, _, value in (pair.partition("=") for pair in pairs))
    try:
        return parse_query(query, Limits())
    except Rejected as refusal:
        raise ValueError(f"--{option}: {refusal.message}") from None


def read_keys(path: str) -> list[str]:
    """The keys in a file: one a line, the oldest first. Blank lines do not count, nor those that begin with ``#``."""
    lines = (line.strip() for line in read_small_text("--keys-file", path).splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _duration(text: str) -> timedelta:
    if not (match := re.fullmatch(r"([0-9]{1,9})([smhd])", text)):
        raise ValueError(f"--expires-in {text!r}: write a number and s, m, h or d, such as 90d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
