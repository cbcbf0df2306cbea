"""How much one request may hold."""

from __future__ import annotations

from dataclasses import dataclass, fields

from ..text import DEFAULT_HEADER_CHARS

#: The validator calls itself for each level of an event. A deeper event could exhaust the interpreter's stack.
MAX_DEPTH = 64


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one request may hold.

    A request over a limit is refused, never cut. Only headers are cut, since
    nobody who makes a link has a say in them.

    :param query_bytes: length of the query string, in bytes.
    :param params: number of parameters; each repetition counts.
    :param key_chars: length of a decoded name, in characters.
    :param depth: number of segments in a name. It can be 64 at most.
    :param header_chars: what is read of a header, in characters; the rest of it is not.
    :param pattern_steps: the steps that it may take to search the request's
        texts with the patterns of its schema; ``None`` is without bound. A step
        takes some 16 ns. Only patterns count whose steps grow faster than a text:
        n**d / d! for n characters and a pattern of degree d.
    :raises TypeError: if a limit is not an integer.
    :raises ValueError: if a limit is below 1, or *depth* is above 64.
    """

    query_bytes: int = 32768
    params: int = 256
    key_chars: int = 256
    depth: int = 10
    header_chars: int = DEFAULT_HEADER_CHARS
    pattern_steps: int | None = 2_000_000

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None and field.name == "pattern_steps":
                continue
            if not isinstance(value, int) or isinstance(value, bool):
                raise TypeError(f"Limits.{field.name} is {value!r}: it must be an integer")
            if value < 1:
                raise ValueError(f"Limits.{field.name} is {value}: it must be at least 1")
        if self.depth > MAX_DEPTH:
            raise ValueError(f"Limits.depth is {self.depth}: it must be at most {MAX_DEPTH}")
