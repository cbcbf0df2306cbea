"""JSON values: what a text spells, which kind a value is, when two are equal, and plain copies of Python's variants."""

from __future__ import annotations

import math
import re
from collections.abc import Hashable
from decimal import Decimal
from typing import Any

# As RFC 8259, section 6 has it. The first group is the part that a number is zero by.
_NUMBER = re.compile(r"-?((?:0|[1-9][0-9]*)(\.[0-9]+)?)([eE][+-]?[0-9]+)?")
_LITERALS = {"true": True, "false": False, "True": True, "False": False, "null": None}
# So many digits and a point are a number that a double holds, and never zero if there is another digit.
_SMALL_CHARS = 16
_ANY_DIGIT_BUT_NOUGHT = re.compile("[1-9]")

#: The Python types of the values that JSON has. They are compared exactly: a bool is an int in Python, not in JSON.
JSON_TYPES = frozenset({str, int, float, bool, type(None), dict, list})
SCALARS = JSON_TYPES - {dict, list}

#: JSON Schema's name of a type -> the kinds that belong to it, see :func:`kind_of`.
KINDS = {
    "string": {"string"},
    "boolean": {"boolean"},
    "null": {"null"},
    "object": {"object"},
    "array": {"array"},
    "number": {"int", "whole", "fraction"},
    "integer": {"int", "whole"},
}
_KIND_OF = {str: "string", int: "int", bool: "boolean", type(None): "null", dict: "object", list: "array"}


def kind_of(value: Any) -> str:
    """The kind of a JSON value: its type, but of the numbers there are three: 1 (int), 1.0 (whole) and 1.5 (fraction).

    1.0 is an integer for all drafts of JSON Schema but draft 4.
    """
    if type(value) is float:
        return "whole" if value.is_integer() else "fraction"
    return _KIND_OF[type(value)]


def value_of_text(text: str) -> Any:
    """The number, boolean or null that *text* spells; *text* itself if it spells none.

    Blanks around a number do not matter, and ``True`` and ``False`` are
    booleans, too. A number stays text if no IEEE 754 double can hold it: many
    readers of JSON would turn 1e400 into infinity, and 1e-400 into zero.
    """
    # Nearly every number of a visitor's is like one of these two. A pattern takes three times as long.
    if len(text) <= _SMALL_CHARS and text.isascii():
        if text.isdecimal():
            if text[0] != "0" or text == "0":
                return int(text)
        else:
            whole, _, fraction = text.partition(".")
            if whole.isdecimal() and fraction.isdecimal() and (whole[0] != "0" or whole == "0"):
                return float(text)
    if text in _LITERALS:
        return _LITERALS[text]
    if number := _NUMBER.fullmatch(text.strip()):
        digits, fraction, exponent = number.groups()
        double = float(number[0])
        if math.isfinite(double) and (double or not _ANY_DIGIT_BUT_NOUGHT.search(digits)):
            return double if fraction or exponent else int(number[0])
    return text


def same(one: Any, other: Any) -> bool:
    """Returns True if two JSON values are equal: 1 and 1.0 are, 1 and True are not."""
    if type(one) is dict and type(other) is dict:
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    if type(one) is list and type(other) is list:
        return len(one) == len(other) and all(map(same, one, other))
    return (type(one) is bool) is (type(other) is bool) and bool(one == other)


def identity(value: Any) -> Hashable:
    """Something that is equal for equal JSON values, in the sense of :func:`same`, and can be in a set."""
    if type(value) is dict:
        return frozenset((name, identity(child)) for name, child in value.items())
    if type(value) is list:
        return ("list", *map(identity, value))
    if type(value) is bool:
        return ("bool", value)
    return value if isinstance(value, Hashable) else id(value)


def exact_ratio(number: float) -> tuple[int, int]:
    """The numerator and the denominator of the shortest decimal that is written for a finite number.

    Of 4.02 that is 201 / 50. The double that Python calculates with is a
    little less, and no multiple of any hundredth.
    """
    return (number, 1) if isinstance(number, int) else Decimal(repr(number)).as_integer_ratio()


def is_plain(value: Any) -> bool:
    """Returns True if all dicts, lists and scalars in *value* are of the exact types that JSON has."""
    kind = type(value)
    if kind is not dict and kind is not list:
        return kind in SCALARS
    for child in value.values() if kind is dict else value:
        if type(child) not in SCALARS and not is_plain(child):
            return False
    return True


def plain(value: Any) -> Any:
    """*value* with an exact dict, list, str, int or float in place of each instance of a subclass of one.

    An enricher may leave such instances. What is plain already is returned as
    it is, not copied; so is what is no JSON at all.
    """
    if type(value) in SCALARS:
        return value
    if isinstance(value, dict):
        children = {name: plain(child) for name, child in value.items()}
        unchanged = type(value) is dict and all(child is value[name] for name, child in children.items())
        return value if unchanged else children
    if isinstance(value, list):
        items = [plain(item) for item in value]
        unchanged = type(value) is list and all(map(lambda new, old: new is old, items, value))
        return value if unchanged else items
    for type_ in (str, int, float):  # what json.dumps writes for a StrEnum or an IntEnum, too
        if isinstance(value, type_):
            return getattr(type_, f"__{type_.__name__}__")(value)
    return value
