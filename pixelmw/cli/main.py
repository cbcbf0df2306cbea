"""The command line: ``python -m pixelmw serve``, ``drain`` and ``link``."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from .._version import __version__
from ..replies import REPLIES
from ..schema import TrackingPlan
from .drain import drain
from .link import add_link
from .plan import add_plan
from .serve import serve

if TYPE_CHECKING:
    _Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # it has no public name


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pixelmw", description="Collect tracking pixels.")
    parser.add_argument("--version", action="version", version=f"pixelmw {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    _add_serve(commands)
    _add_drain(commands)
    add_link(commands)
    add_plan(commands)
    return parser


def _add_serve(commands: _Commands) -> None:
    command = commands.add_parser(
        "serve",
        help="collect into an SQLite database, with a page to try it",
        description="Collect into an SQLite database, on a development server with a page to try it.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    command.add_argument("--host", default="127.0.0.1", help="address to listen on")
    command.add_argument("--port", type=int, default=8000, help="port to listen on; 0 for any that is free")
    command.add_argument("--db", default="pixelmw.db", help="SQLite database to store events in")
    command.add_argument(
        "--write-key",
        action="append",
        default=[],
        metavar="KEY",
        help="accept this key only; may be repeated (default: any key will do)",
    )
    command.add_argument("--reply", choices=list(REPLIES), default="gif", help="how to answer")
    command.add_argument("--plan", metavar="PATH", help="a tracking plan: events that it does not accept are refused")
    command.set_defaults(run=_run_serve)


def _run_serve(arguments: argparse.Namespace) -> None:
    plan = TrackingPlan.load(arguments.plan) if arguments.plan else None
    serve(arguments.host, arguments.port, arguments.db, arguments.write_key, arguments.reply, plan)


def _add_drain(commands: _Commands) -> None:
    command = commands.add_parser(
        "drain",
        help="forward what a spool holds, from outside the server",
        description="Forward what a spool holds, from outside the server: if the server runs no background threads, "
        "or to empty a spool before its machine is removed. Exits with 1 if events are left.",
    )
    command.add_argument("directory", metavar="DIRECTORY", help="the directory of the spool")
    command.add_argument(
        "--sink",
        metavar="MODULE:NAME",
        default=os.environ.get("PIXELMW_SINK"),
        help="where the events go: a sink, or a Spool or a PixelMiddleware that has one (default: $PIXELMW_SINK)",
    )
    command.add_argument(
        "--dead", action="store_true", help="send its dead letters again, instead of the waiting events"
    )
    command.add_argument("--follow", action="store_true", help="also forward what comes in later, until interrupted")
    command.add_argument("--timeout", type=float, metavar="SECONDS", help="give up after this time (default: never)")
    command.set_defaults(run=_run_drain)


def _run_drain(arguments: argparse.Namespace) -> int:
    if not arguments.sink:
        raise ValueError("the sink is missing: give --sink MODULE:NAME, or set PIXELMW_SINK")
    logging.basicConfig(format="%(levelname)s %(message)s")
    return drain(
        arguments.directory, arguments.sink, dead=arguments.dead, follow=arguments.follow, timeout=arguments.timeout
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, in the main thread. Signal handlers are afterwards what they were before.

    :param arguments: those after the program's name; ``None`` for those of this process.
    :returns: the exit code.
    :raises SystemExit: for wrong arguments, with 2, and for an error that the user can mend, with 1; its message
        is then on standard error.
    """
    parser = _parser()
    parsed = parser.parse_args(arguments)
    try:
        with _interrupted_by_sigterm():
            code: int | None = parsed.run(parsed)
    except KeyboardInterrupt:
        return 0
    except (ImportError, OSError, ValueError, sqlite3.Error) as error:
        parser.exit(1, f"pixelmw: {error}\n")
    return code or 0


@contextmanager
def _interrupted_by_sigterm() -> Iterator[None]:
    """Stop on SIGTERM, which ``docker stop`` sends, in the same way as on Ctrl-C, until the block ends."""
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        # It is None for a handler that C code has installed, which Python cannot put back.
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
