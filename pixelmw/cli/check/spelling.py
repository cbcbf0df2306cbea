"""Finds the field that a misspelt name was meant to be."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence

# What any event may have, and what its sender adds; each schema has more.
_EVERYWHERE = frozenset(
    [
        *("writeKey", "anonymousId", "userId", "groupId", "previousId", "messageId", "event", "name", "category"),
        *("channel", "context", "properties", "traits", "integrations", "type", "timestamp", "originalTimestamp"),
        *("sentAt", "receivedAt", "data", "signed"),
    ]
)
# Google's parameters of links, and where RudderStack's and Segment's libraries put them.
_CAMPAIGN = {"utm_campaign": "name"} | {f"utm_{name}": name for name in ("source", "medium", "term", "content")}
# What is looked through for a name that stands at the top although it belongs into one of these.
_PARENTS = (("properties",), ("context",), ("context", "page"), ("traits",))
# difflib's measure for words of four letters or more; "propertes" has 0.95, "user" for "userId" 0.8.
_NEAR = 0.8

#: Takes the names that lead to an object; returns the names that the schema has in it.
KnownNames = Callable[[Sequence[str]], frozenset[str]]


def meant_by(segments: Sequence[str], known_names: KnownNames) -> list[str] | None:
    """The known field that a name, which consists of *segments*, was most likely meant to be.

    :returns: its segments; ``None`` if the name is known, or far from all that is.
    """
    first = segments[0]
    if first in _CAMPAIGN:
        return ["context", "campaign", _CAMPAIGN[first], *segments[1:]]
    at_top = known_names(()) | _EVERYWHERE
    if first not in at_top:
        if near := _nearest(first, at_top):
            return [near, *segments[1:]]
        return next(([*parent, *segments] for parent in _PARENTS if first in known_names(parent)), None)
    for place in range(1, len(segments)):
        known = known_names(segments[:place])
        if not known:
            return None
        if segments[place] not in known:
            near = _nearest(segments[place], known)
            return [*segments[:place], near, *segments[place + 1 :]] if near else None
    return None


def _nearest(name: str, known: frozenset[str]) -> str | None:
    letters = _letters(name)
    by_letters = {_letters(each): each for each in sorted(known)}
    if letters in by_letters:
        return by_letters[letters]
    if meant := next((by_letters[each] for each in by_letters if _is_one_slip(letters, each)), None):
        return meant
    near = difflib.get_close_matches(letters, by_letters, 1, _NEAR) if len(letters) >= 4 else []
    return by_letters[near[0]] if near else None


def _letters(name: str) -> str:
    """*name* without what people spell in different ways."""
    return re.sub(r"[\s_-]", "", name).lower()


def _is_one_slip(one: str, other: str) -> bool:
    """Returns True if two neighbouring letters changed places between the two, or one letter is missing in one."""
    short, long = sorted((one, other), key=len)
    if len(short) < 3 or len(long) - len(short) > 1:
        return False
    place = next((place for place, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if len(short) < len(long):
        return short[place:] == long[place + 1 :]
    return short[place : place + 2] == long[place : place + 2][::-1] and short[place + 2 :] == long[place + 2 :]
