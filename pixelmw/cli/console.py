"""Prints lines for an operator, whatever the terminal can show, and also when nobody reads them any more."""

from __future__ import annotations

import json
import os
import re
import select
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from ..text import printable

# The codes of "Select Graphic Rendition" for a colour of the text (ECMA-48, 8.3.117), and for the terminal's own.
_COLOURS = {"red": "\x1b[31m", "green": "\x1b[32m", "yellow": "\x1b[33m"}
_NO_COLOUR = "\x1b[39m"
_ASCII = re.compile("[ -~\n]*")

# Requests are served in several threads, and a line is to stay one line.
_lock = threading.Lock()


def open_missing_streams() -> None:
    """Open the standard streams that the process was started without (``>&-``), to nowhere.

    Otherwise the next file that is opened has the number of one, and what a C library says gets into it.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - until the process ends


def print_line(line: str, *, word: str = "", colour: str = "", error: bool = False) -> bool:
    """Print *line* on standard output, at once.

    What is invisible or controls a terminal becomes U+FFFD, and characters that
    the encoding lacks are escaped. If the line cannot be written, because its
    reader has gone or a disk is full, it is lost: what it tells of has happened
    all the same.

    :param word: a word of *line* that has *colour* where colours are shown.
    :param colour: ``red``, ``green`` or ``yellow``.
    :param error: print it on standard error.
    :returns: False if it could not be written.
    """
    stream = sys.stderr if error else sys.stdout
    text = printable(line)
    if word and _shows_colours(stream):
        text = text.replace(word, f"{_COLOURS[colour]}{word}{_NO_COLOUR}", 1)
    encoding = getattr(stream, "encoding", None) or "ascii"
    try:
        with _lock:
            stream.write(f"{text}\n".encode(encoding, "backslashreplace").decode(encoding))
            stream.flush()
    except (OSError, ValueError):
        _forget(stream)
        return False
    return True


def print_text(text: str) -> bool:
    """Print each line of *text* on standard output as :func:`print_line` does; returns False once one was lost."""
    return all(print_line(line) for line in text.split("\n"))


def json_text(value: Any, *, indent: int | None = None) -> str:
    """*value* as JSON that standard output can show.

    Characters that are invisible, that control a terminal or that its encoding
    lacks are escaped, so that the text is still the same JSON.
    """
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    if _ASCII.fullmatch(text):
        return text
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    return "".join(char if char == "\n" or _can_be_shown(char, encoding) else _escaped(char) for char in text)


def _can_be_shown(char: str, encoding: str) -> bool:
    if not char.isprintable():
        return False
    try:
        char.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _escaped(char: str) -> str:
    """*char* as JSON escapes it: RFC 8259, section 7. JSON itself leaves U+007F as it is."""
    return json.dumps(char)[1:-1] if char != "\x7f" else "\\u007f"


def reader_has_gone() -> bool:
    """Returns True if standard output is a pipe that nobody reads any more."""
    try:
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)  # errors are reported unasked
        return any(event & (select.POLLERR | select.POLLNVAL) for _, event in poll.poll(0))
    except (OSError, ValueError, AttributeError):  # no such file, or a system without poll
        return False


def _shows_colours(stream: IO[str]) -> bool:
    """Whether *stream* is a terminal that may get colours: https://no-color.org, and ``TERM=dumb`` has none."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and stream.isatty()


def _forget(stream: IO[str]) -> None:
    """Lead *stream* to nowhere, so that Python does not fail at its end to write what is still in the buffer."""
    with suppress(OSError, ValueError):  # it is closed, or no file
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
