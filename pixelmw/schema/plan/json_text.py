"""Reads a JSON file, and finds the lines of its parts."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from ..places import Place, parts_of

_BLANKS = re.compile(r"[ \t\n\r]*")


class JSONText:
    """The text of a JSON file.

    :param data: the bytes of the file, in UTF-8, UTF-16 or UTF-32, with or without a byte order mark.
    :raises UnreadableText: if it is no JSON.
    :ivar value: what it stands for.
    :ivar repeated: the place of each name that an object has twice.
    """

    def __init__(self, data: bytes) -> None:
        repeated: list[tuple[dict[str, Any], list[str]]] = []  # which also keeps the ids of these dicts their own

        def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
            made = dict(found)
            if len(made) < len(found):
                counts = Counter(name for name, _ in found)
                repeated.append((made, [name for name, count in counts.items() if count > 1]))
            return made

        try:
            self._text = data.decode(json.detect_encoding(data))
            self.value = json.loads(self._text, object_pairs_hook=pairs, parse_constant=_no_constant)
        except json.JSONDecodeError as error:
            raise UnreadableText(f"it is not JSON: {error.msg}", error.lineno) from None
        except RecursionError:
            raise UnreadableText("it is nested too deep") from None
        except ValueError as error:
            raise UnreadableText(f"it is not JSON: {error}") from None
        self._members: dict[int, dict[str | int, int]] = {}
        names = {id(made): names for made, names in repeated}
        parts = parts_of(self.value) if names else ()
        self.repeated: list[Place] = [(*place, name) for part, place in parts for name in names.get(id(part), ())]

    def line_of(self, place: Place) -> int:
        """The line, from 1, that the value at *place* begins in, or what holds it, if it is not there."""
        at = self._skip(0)
        for segment in place:
            if at not in self._members:  # each object and list is read once, however many faults are in it
                self._members[at] = dict(self._read_members(at))
            if segment not in self._members[at]:
                break
            at = self._members[at][segment]
        return self._text.count("\n", 0, at) + 1

    def _read_members(self, at: int) -> Iterator[tuple[str | int, int]]:
        """Each name or index in the object or list that begins at *at*, and where its value begins."""
        opening, index = self._text[at], 0
        decoder = json.JSONDecoder()
        at = self._skip(at + 1)
        while opening in "{[" and self._text[at] not in "}]":
            name: str | int = index
            if opening == "{":
                name, at = decoder.raw_decode(self._text, at)
                at = self._skip(self._skip(at) + 1)  # past the colon
            yield name, at
            _, at = decoder.raw_decode(self._text, at)
            at = self._skip(at)
            if self._text[at] == ",":
                at = self._skip(at + 1)
            index += 1

    def _skip(self, at: int) -> int:
        found = _BLANKS.match(self._text, at)
        return found.end() if found else at


class UnreadableText(ValueError):
    """A text that is no JSON.

    :ivar line: the line that the fault is in, if it is in one.
    """

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.line = line


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")
