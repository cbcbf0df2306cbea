"""The command line: ``main`` reads the arguments, and runs the command that they name."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from .._version import __version__
from ..text import printable
from .check import add_check
from .console import open_missing_streams
from .drain import add_drain
from .link import add_link
from .parser import Parser
from .plan import add_plan
from .serve import add_serve
from .tail import add_tail


def _parser() -> Parser:
    parser = Parser(
        prog="python -m pixelmw",
        description="Collect tracking pixels. COMMAND --help says what a command does, with examples.",
        examples=["python -m pixelmw serve", "python -m pixelmw check --help"],
    )
    parser.add_argument("--version", action="version", version=f"pixelmw {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    for add in (add_serve, add_check, add_tail, add_drain, add_link, add_plan):
        add(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, in the main thread. Signal handlers are afterwards what they were before.

    :param arguments: those after the program's name; ``None`` for those of this process.
    :returns: the exit code.
    :raises SystemExit: for wrong arguments, with 2, and for an error that the user can mend, with 1; its message
        is then on standard error.
    """
    open_missing_streams()
    parser = _parser()
    parsed = parser.parse_args(arguments)
    try:
        with _interrupted_by_sigterm():
            code: int | None = parsed.run(parsed)
    except KeyboardInterrupt:
        return 0
    except (ImportError, OSError, ValueError, sqlite3.Error) as error:
        parser.exit(1, f"pixelmw: {printable(str(error))}\n")
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
