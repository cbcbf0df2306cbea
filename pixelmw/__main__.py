"""The command line: ``python -m pixelmw serve``."""

from __future__ import annotations

import argparse
import signal
import sqlite3
import sys
from collections.abc import Sequence
from types import FrameType

from . import __version__
from .replies import REPLIES
from .welcome import serve


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pixelmw", description="Collect tracking pixels.")
    parser.add_argument("--version", action="version", version=f"pixelmw {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
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
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        serve(options.host, options.port, options.db, options.write_key, options.reply)
    except KeyboardInterrupt:
        return 0
    except (OSError, ValueError, sqlite3.Error) as error:
        parser.exit(1, f"pixelmw: {error}\n")
    return 0


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Stop on SIGTERM, as ``docker stop`` sends it, as on Ctrl-C."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
