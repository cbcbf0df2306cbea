"""Prints lines for an operator, whatever the terminal can show, and also when nobody reads them any more."""

from __future__ import annotations

import os
import sys
from contextlib import suppress


def print_line(line: str) -> None:
    """Print *line* on standard output, at once.

    Characters that its encoding lacks are escaped. If it cannot be written,
    because its reader has gone or a disk is full, the line is lost: what it tells of has
    happened all the same.
    """
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    try:
        print(line.encode(encoding, "backslashreplace").decode(encoding), flush=True)  # noqa: T201 - a command prints
    except (OSError, ValueError):
        _forget_stdout()


def _forget_stdout() -> None:
    """Lead standard output to nowhere, so that Python does not fail at its end to write what is still in the buffer."""
    with suppress(OSError, ValueError):  # it is closed, or no file
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
