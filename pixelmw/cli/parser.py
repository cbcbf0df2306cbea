"""Reads the arguments of a command: each help has examples, and a mistake is told with the nearest that is known."""

from __future__ import annotations

import argparse
import difflib
import math
import sys
from collections.abc import Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Any, NoReturn

from ..text import printable

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction["Parser"]  # it has no public name

# difflib's own measure: 1 for the same words, 0 for words that share no letter.
_NEAR = 0.6


class Parser(argparse.ArgumentParser):
    """A parser for the whole command line, or for one command.

    :param examples: commands that work as they stand, for the end of its help.
    :param options: those of :class:`argparse.ArgumentParser`.
    """

    def __init__(self, *, examples: Sequence[str] = (), **options: Any) -> None:
        if examples:
            options["epilog"] = "\n".join(["examples:", *(f"  {example}" for example in examples)])
        super().__init__(formatter_class=_Help, **options)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse, and refuse what is unknown here, where its nearest neighbours are known."""
        given = sys.argv[1:] if args is None else list(args)
        options = [option for action in self._actions for option in action.option_strings]
        for each in takewhile(self._may_be_option, given):
            # argparse takes the beginning of an option for the whole.
            if each.startswith("--") and not any(option.startswith(each.partition("=")[0]) for option in options):
                self.error(f"unknown argument {each}{_suggestion(each, options)}")
        found, unknown = super().parse_known_args(given, namespace)
        if unknown:
            self.error(f"unknown argument {' '.join(unknown)}")
        return found, unknown

    def _may_be_option(self, argument: str) -> bool:
        """Whether *argument*, and what comes behind it, may be an option of this parser, and of no command below it."""
        return argument != "--" and (self._subparsers is None or argument.startswith("-"))

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            known = list(action.choices)
            message = f"invalid choice: {value!r}{_suggestion(value, known)}; known are {', '.join(known)}"
            raise argparse.ArgumentError(action, message)

    def error(self, message: str) -> NoReturn:
        """End with code 2 and *message*, which may quote what was given."""
        super().error(printable(message))


class _Help(argparse.RawDescriptionHelpFormatter):
    """Keeps the line breaks of the examples; every other text is wrapped."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if text.startswith("examples:"):
            return super()._fill_text(text, width, indent)
        return argparse.HelpFormatter._fill_text(self, text, width, indent)


def _suggestion(given: Any, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(str(given).partition("=")[0], known, 1, _NEAR)
    return f": did you mean {near[0]}?" if near else ""


def count(text: str) -> int:
    """The number of something, which is at least 1."""
    if not (text.isascii() and text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return int(text)


def seconds(text: str) -> float:
    """A time in seconds, above 0."""
    try:
        time = float(text)
    except ValueError:
        time = math.nan
    if not 0 < time < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return time
