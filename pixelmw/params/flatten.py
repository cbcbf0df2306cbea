"""Writes nested dicts, lists and values as the dotted names and texts of a query: the inverse of the parser.

1. ``.`` joins the segments of a name. ``\\`` comes before a ``.`` or a ``\\`` that belongs to a segment.
2. The parser takes white space from both ends of a name and ``amp;`` from its front, and it reads an object whose
   names are 0, 1, ... n-1 as a list. ``\\`` comes before what the parser would take or read in this way.
3. ``True``, ``None``, numbers and times have no place in a query. Numbers and booleans are written as JSON writes
   them, times by RFC 3339. What has no text at all (``None``, an empty object or list) is left out of an object;
   in a list it would move the others, so it is an error there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from ..text import shortened
from .limits import Limits
from .names import escape_segment, join_name, protect_name

#: A tree as the parser makes it: dicts, lists and texts.
Tree = dict[str, Any]


def to_texts(tree: Mapping[str, Any], limits: Limits) -> Tree:
    """*tree* as the parser will give it back: every value as its text, without what is left out.

    :raises ValueError: for what no query can carry, with its dotted name.
    """
    texts: Tree = _texts(tree, (), limits) or {}
    return texts


def flatten(texts: Tree) -> list[tuple[str, str]]:
    """The names and values of the parameters that the parser turns into *texts*."""
    leaves = _leaves(texts, [], may_be_list=False)
    # A lone escape is an empty name. Without it the parameter would have none, and be skipped.
    return [(protect_name(".".join(segments)) or "\\", text) for segments, text in leaves]


def _texts(value: Any, place: tuple[str | int, ...], limits: Limits) -> Any:
    """*value* with texts at its leaves, or ``None`` if nothing of it has a text."""
    if isinstance(value, Mapping | list | tuple):
        # This also ends a tree that contains itself.
        if len(place) >= limits.depth:
            raise ValueError(f"{_shown(place)} is too deep: a name has at most {limits.depth} segments")
        return _object_texts(value, place, limits) if isinstance(value, Mapping) else _list_texts(value, place, limits)
    return None if value is None else _checked(_text_of(value, place), place)


def _object_texts(members: Mapping[str, Any], place: tuple[str | int, ...], limits: Limits) -> Any:
    texts = {}
    for name, member in members.items():
        if not isinstance(name, str):
            raise ValueError(f"{_shown(place)} has the name {name!r}: a name is a string")
        name = _checked(str.__str__(name), (*place, name))
        if (text := _texts(member, (*place, name), limits)) is not None:
            texts[name] = text
    return texts or None


def _list_texts(items: list[Any] | tuple[Any, ...], place: tuple[str | int, ...], limits: Limits) -> Any:
    texts = [_texts(item, (*place, index), limits) for index, item in enumerate(items)]
    if None in texts:
        where = _shown((*place, texts.index(None)))
        raise ValueError(f"{where} is None or empty: a query cannot carry that in a list, and the others would move")
    return texts or None


def _text_of(value: Any, place: tuple[str | int, ...]) -> str:
    """The text of a value that is no container."""
    if isinstance(value, str):
        return str.__str__(value)  # of a StrEnum, its value
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            raise ValueError(f"{_shown(place)} is {value!r}, which has no time zone: give one, such as datetime.UTC")
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool | int | float):
        try:
            return json.dumps(value, allow_nan=False)
        except ValueError:  # NaN and the infinities
            pass
    kind = type(value).__name__
    raise ValueError(f"{_shown(place)} is {shortened(repr(value))} ({kind}): JSON has no such value")


def _checked(text: str, place: tuple[str | int, ...]) -> str:
    """*text*, if the parser gives back each of its characters."""
    if "\0" in text:
        raise ValueError(f"{_shown(place)} holds NUL, which no database could store and the collector replaces")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{_shown(place)} holds half of a surrogate pair, which UTF-8 cannot carry") from None
    return text


def _shown(place: tuple[str | int, ...]) -> str:
    return shortened(join_name([str(segment) for segment in place])) if place else "the event"


def _leaves(node: Any, segments: list[str], *, may_be_list: bool = True) -> Any:
    """The segments, with their escapes, and the text of each leaf below *node*."""
    if isinstance(node, str):
        yield segments, node
        return
    if isinstance(node, list):
        for index, item in enumerate(node):
            yield from _leaves(item, [*segments, str(index)])
        return
    reads_as_list = may_be_list and all(str(index) in node for index in range(len(node)))  # the root is never a list
    for name, member in node.items():
        escaped = escape_segment(name)
        # One escaped index is enough: its parent is then no list.
        yield from _leaves(member, [*segments, f"\\{escaped}" if reads_as_list and name == "0" else escaped])
