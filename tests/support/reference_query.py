"""The rules 1 to 3 of the contract, from a query string to nested parameters, word by word: slow and plain."""

from __future__ import annotations

import base64
import json
import math
import re
from typing import Any

from pixelmw import Limits

#: Segments of a name, each with whether an escape was used for it.
Segments = list[tuple[str, bool]]


class RefusedQuery(Exception):
    """A query that the rules refuse: the code and the rule."""


def decoded(raw: bytes) -> str:
    """Rule 1: plus is a space, a malformed ``%`` stays, U+FFFD for what does not decode and for NUL."""
    found, at = b"", 0
    while at < len(raw):
        escape = re.match(rb"%([0-9A-Fa-f][0-9A-Fa-f])", raw[at:])
        found += bytes([int(escape[1], 16)]) if escape else b" " if raw[at : at + 1] == b"+" else raw[at : at + 1]
        at += 3 if escape else 1
    return found.decode("utf-8", "replace").replace("\0", "\ufffd")


def repaired(name: str) -> str:
    """Rule 1: no white space around a name and no ``amp;`` in front, unless they are escaped."""
    while name[:1].isspace() or name.startswith("amp;"):
        name = name[1:] if name[0].isspace() else name[4:]
    tokens = re.findall(r"\\.?|.", name, re.DOTALL)
    while tokens and tokens[-1].isspace():
        tokens.pop()
    return "".join(tokens)


def segments(name: str) -> Segments:
    """Rule 2: what each segment is called, and whether an escape was used for it."""
    found = [("", False)]
    for token in re.findall(r"\\.?|.", name, re.DOTALL):
        text, escaped = found[-1]
        if token == ".":
            found.append(("", False))
        else:
            found[-1] = (text + token.removeprefix("\\"), escaped or token.startswith("\\"))
    return found


def built(params: list[tuple[Segments, str]], *, root: bool = False) -> Any:
    """Rule 2: what stands at one place, from all that is said about it; ``None`` for a conflict."""
    values = [value for rest, value in params if not rest]
    if 0 < len(values) < len(params) and not values[0].strip():
        params = [(rest, value) for rest, value in params if rest]
    if any(not rest for rest, _ in params):
        return params[0][1] if all(not rest for rest, _ in params) else None
    below: dict[str, Any] = {}
    for name in dict.fromkeys(rest[0][0] for rest, _ in params):
        below[name] = built([(rest[1:], value) for rest, value in params if rest[0][0] == name])
    if any(value is None for value in below.values()):
        return None
    escaped = any(rest[0][1] for rest, _ in params)
    if not root and not escaped and set(below) == {str(index) for index in range(len(below))}:
        return [below[str(index)] for index in range(len(below))]
    return below


def parsed(query: bytes, limits: Limits) -> dict[str, Any]:
    """What a query says by the rules 1 and 2.

    :raises RefusedQuery: with the code and the rule.
    """
    pairs = [pair.partition(b"=") for pair in query.split(b"&")]
    named = [(repaired(decoded(name)), decoded(value)) for name, _, value in pairs]
    params = [(segments(name), value) for name, value in named if name]
    if len(query) > limits.query_bytes:
        raise RefusedQuery("too-large", "query_bytes")
    if sum(bool(name) for name, _, _ in pairs) > limits.params:
        raise RefusedQuery("too-large", "params")
    if any(len(name) > limits.key_chars for name, _ in named):
        raise RefusedQuery("too-large", "key_chars")
    if any(len(name) > limits.depth for name, _ in params):
        raise RefusedQuery("bad-query", "depth")
    if (found := built(params, root=True) if params else {}) is None:
        raise RefusedQuery("bad-query", "conflict")
    tree: dict[str, Any] = found
    return tree


def segment_event(data: Any) -> dict[str, Any] | None:
    """Rule 3: the event in ``data``, or ``None`` if that is an ordinary parameter."""
    text = data.translate(str.maketrans("-_ ", "+/+")) if isinstance(data, str) else ""
    if not re.fullmatch("[A-Za-z0-9+/]+={0,2}", text):
        return None
    try:
        raw = base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
        event = json.loads(raw.decode("utf-8", "replace"), object_pairs_hook=_first_wins, parse_constant=_no_json)
    except ValueError:
        return None
    return _text_of_numbers(event) if isinstance(event, dict) else None


def within_limits(event: dict[str, Any], limits: Limits) -> None:
    """Rule 3: the limits hold for what is inside ``data``.

    :raises RefusedQuery: with the code and the rule.
    """
    names = list(_names(event, ()))
    if any(len(name) > limits.depth for name in names):
        raise RefusedQuery("bad-query", "depth")
    if any(len(".".join(name)) > limits.key_chars for name in names):
        raise RefusedQuery("too-large", "key_chars")
    if len(names) > limits.params:
        raise RefusedQuery("too-large", "params")


def _names(value: Any, path: tuple[str, ...]) -> Any:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if not value or not isinstance(value, dict | list):
        yield path
    for name, child in children:
        yield from _names(child, (*path, str(name)))


def _first_wins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return dict(reversed(pairs))


def _no_json(text: str) -> Any:
    raise ValueError(text)


def _text_of_numbers(value: Any) -> Any:
    """*value* with the text of those numbers that no double holds. These are drawn as powers of ten only."""
    if isinstance(value, dict):
        return {name: _text_of_numbers(child) for name, child in value.items()}
    if isinstance(value, list):
        return [_text_of_numbers(child) for child in value]
    return "1e999" if isinstance(value, float) and math.isinf(value) else value
