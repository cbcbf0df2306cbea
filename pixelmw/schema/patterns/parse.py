"""Parses regular expressions as ECMA-262 has them, its Annex B included.

JSON Schema asks for the ``u`` flag of ECMA-262, and schemas in the wild are
written without it. So both are read: characters are whole code points and
``\\u{61}`` is an escape, as with the flag; ``\\-``, ``]``, ``a{,5}`` and
``[\\w-.]`` are literal, as without it. A backslash before a letter that stands
for nothing is refused, as with the flag: it is usually an escape of another
language.
"""

from __future__ import annotations

import re

from .characters import ANY_BUT_LINE_ENDS, CLASS_ESCAPES, Ranges, complement, single, union
from .tree import Assertion, Characters, Choice, Look, Node, PatternError, Repeat, Sequence, width_of

# Python's own compiler calls itself for each level, and stops at about 500 of them.
_MAX_NESTING = 100
_QUANTIFIER = re.compile(r"(?:([*+?])|\{([0-9]+)(?:(,)([0-9]*))?\})(\??)")
_GROUP = re.compile(r"\(\?(?:(:)|(<?)([=!])|<([^<>=!][^<>]*)>)")
_HEX_ESCAPE = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|u\{([0-9A-Fa-f]+)\}")
_LOW_SURROGATE = re.compile(r"\\u([Dd][C-Fc-f][0-9A-Fa-f]{2})")
_CONTROL_ESCAPES = {"t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "0": "\0"}
_PYTHON_ESCAPES = {"A": "^", "Z": "$", "z": "$"}
_PYTHON_GROUPS = {
    "P<": "named groups are (?<name>…)", "P=": "back-references are not supported",
    "P>": "there is no recursion", "#": "there are no comments", ">": "there are no atomic groups",
    "(": "there are no conditions",
}  # fmt: skip


def parse(pattern: str) -> Node:
    """Parse *pattern*.

    :raises PatternError: if it is no regular expression of ECMA-262, or needs
        what is not supported: back-references, ``\\p``, flags inside the
        pattern, and look-behind of no fixed width.
    """
    parser = _Parser(pattern)
    node = parser.choice(0)
    if parser.at < len(pattern):
        raise PatternError("has a ) that closes nothing")
    return node


class _Parser:
    """The place up to which a pattern is parsed."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0

    def choice(self, nesting: int) -> Node:
        """Alternatives, up to a closing parenthesis or the end."""
        if nesting > _MAX_NESTING:
            raise PatternError(f"has groups that are nested deeper than {_MAX_NESTING}")
        branches = [self._sequence(nesting)]
        while self._take("|"):
            branches.append(self._sequence(nesting))
        return branches[0] if len(branches) == 1 else Choice(tuple(branches))

    def _sequence(self, nesting: int) -> Node:
        parts: list[Node] = []
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            parts.append(self._quantified(self._atom(nesting)))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _quantified(self, atom: Node) -> Node:
        found = _QUANTIFIER.match(self.pattern, self.at)
        if not found:
            return atom
        self.at = found.end()
        sign, least, comma, most, lazy = found.groups()
        if isinstance(atom, Assertion) or (isinstance(atom, Look) and atom.behind):
            raise PatternError(f"repeats, with {found[0]}, what matches no character")
        if self.pattern.startswith("+", self.at):
            raise PatternError(f"has {found[0]}+: there are no possessive repeats in ECMA-262; write {found[0]}")
        if sign:
            low, high = {"*": (0, None), "+": (1, None), "?": (0, 1)}[sign]
        else:
            low = _number(least)
            high = low if not comma else _number(most) if most else None
        if high is not None and high < low:
            raise PatternError(f"has {found[0]}, whose numbers are in the wrong order")
        return Repeat(atom, low, high, bool(lazy))

    def _atom(self, nesting: int) -> Node:
        found = _QUANTIFIER.match(self.pattern, self.at)
        if found:
            raise PatternError(f"has {found[0]} with nothing to repeat")
        character = self._next()
        match character:
            case "^" | "$":
                return Assertion("^" if character == "^" else "$")
            case ".":
                return Characters(ANY_BUT_LINE_ENDS)
            case "(":
                return self._group(nesting)
            case "[":
                return self._class()
            case "\\":
                if self.pattern[self.at : self.at + 1] in ("b", "B"):
                    return Assertion("b" if self._next() == "b" else "B")
                escaped = self._escape()
                return Characters(single(escaped) if isinstance(escaped, str) else escaped)
        return Characters(single(character))

    def _group(self, nesting: int) -> Node:
        look = behind = None
        if self.pattern.startswith("?", self.at):
            found = _GROUP.match(self.pattern, self.at - 1)
            if not found:
                raise PatternError(_unknown_group(self.pattern[self.at + 1 :]))
            if found[4] and not found[4].replace("$", "_").replace("\u200c", "_").replace("\u200d", "_").isidentifier():
                raise PatternError(f"has a group with the name {found[4]!r}, which is no identifier")
            self.at, behind, look = found.end(), found[2], found[3]
        body = self.choice(nesting + 1)
        if not self._take(")"):
            raise PatternError("has a ( that is not closed")
        if not look:
            return body if isinstance(body, Sequence | Choice) else Sequence((body,))
        if behind:
            width = width_of(body)
            if width.low != width.high:
                raise PatternError("has a look-behind that can match texts of several lengths, which is not supported")
        return Look(body, behind=bool(behind), negated=look == "!")

    def _class(self) -> Node:
        negated = self._take("^")
        ranges: list[Ranges] = []
        while not self._take("]"):
            first = self._class_member()
            if self.pattern.startswith("-", self.at) and not self.pattern.startswith("-]", self.at):
                self.at += 1
                last = self._class_member()
                if isinstance(first, str) and isinstance(last, str):
                    if last < first:
                        raise PatternError(f"has the range {first}-{last}, which is in the wrong order")
                    ranges.append(((ord(first), ord(last)),))
                    continue
                ranges += [single("-"), single(last) if isinstance(last, str) else last]
            ranges.append(single(first) if isinstance(first, str) else first)
        members = union(*ranges)
        return Characters(complement(members) if negated else members)

    def _class_member(self) -> str | Ranges:
        character = self._next("a [ that is not closed")
        if character != "\\":
            return character
        if self._take("b"):
            return "\b"
        if self.pattern.startswith("c", self.at) and re.match("[0-9_]", self.pattern[self.at + 1 : self.at + 2]):
            self.at += 1
            return chr(ord(self._next()) % 32)
        return self._escape()

    def _escape(self) -> str | Ranges:
        """The character or the characters that a backslash and what is behind it stand for."""
        start = self.at - 1
        character = self._next("a backslash at its end")
        if character in CLASS_ESCAPES:
            return CLASS_ESCAPES[character]
        if hexadecimal := _HEX_ESCAPE.match(self.pattern, start + 1):
            return self._hexadecimal(hexadecimal)
        following = self.pattern[self.at : self.at + 1]
        if character in _CONTROL_ESCAPES and not (character == "0" and following.isascii() and following.isdigit()):
            return _CONTROL_ESCAPES[character]
        if character == "c":
            if following.isascii() and following.isalpha():
                return chr(ord(self._next()) % 32)
            self.at = start + 1  # Annex B: then the backslash stands for itself
            return "\\"
        if character in "0123456789k":
            raise PatternError(f"has \\{character}: back-references and octal escapes are not supported")
        if character in "pP":
            raise PatternError(f"has \\{character}: properties of characters are not supported; write a class as [a-z]")
        if character in _PYTHON_ESCAPES:
            raise PatternError(
                f"has \\{character}, which only Python has; in ECMA-262 it is {_PYTHON_ESCAPES[character]}"
            )
        if character.isascii() and character.isalpha():
            raise PatternError(f"has \\{character}, which ECMA-262 does not know; write {character} for the letter")
        return character

    def _hexadecimal(self, found: re.Match[str]) -> str:
        self.at = found.end()
        code = int(found[1] or found[2] or found[3], 16)
        if code > 0x10FFFF:
            raise PatternError(f"has \\{found[0]}, which is past the last character of Unicode")
        if 0xD800 <= code <= 0xDBFF and found[2] and (low := _LOW_SURROGATE.match(self.pattern, self.at)):
            self.at = low.end()
            return chr(0x10000 + ((code - 0xD800) << 10) + (int(low[1], 16) - 0xDC00))
        return chr(code)

    def _take(self, text: str) -> bool:
        taken = self.pattern.startswith(text, self.at)
        self.at += len(text) * taken
        return taken

    def _next(self, missing: str = "") -> str:
        if self.at == len(self.pattern):
            raise PatternError(f"has {missing}")
        self.at += 1
        return self.pattern[self.at - 1]


def _number(digits: str) -> int:
    # No text is this long. Python's repeats end at 2**32, and its int() refuses thousands of digits.
    return int(digits) if len(digits.lstrip("0")) < 10 else 10**9


def _unknown_group(rest: str) -> str:
    for start, instead in _PYTHON_GROUPS.items():
        if rest.startswith(start):
            return f"has (?{start}, which ECMA-262 does not know: {instead}"
    if flags := re.match(r"[a-zA-Z]*(?:-[a-zA-Z]+)?[:)]", rest):
        return f"has (?{flags[0]}: flags are not supported inside a pattern; for i, write [Aa] in place of a"
    return f"has (?{rest[:1]}, which ECMA-262 does not know"
