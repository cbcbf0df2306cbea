"""Takes the URL of a pixel apart: its path, and its parameters as they are spelled and as they read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

from ...params import join_name, split_name
from ...params.decode import decode_pairs, unquote_text
from ...params.names import repair_name
from ...text import decode_utf8, environ_bytes, wsgi_text


class Parameter(NamedTuple):
    """One parameter of a query.

    :ivar raw_name: its name as it is spelled, one character for each byte.
    :ivar raw_value: its value as it is spelled.
    :ivar name: the name as the collector reads it.
    :ivar value: the value as the collector reads it.
    """

    raw_name: str
    raw_value: str
    name: str
    value: str

    @property
    def segments(self) -> list[str]:
        """What the name consists of."""
        return split_name(self.name)[0]


class URL(NamedTuple):
    """The URL of a pixel.

    :ivar text: the URL as it was given.
    :ivar path: its path, decoded.
    :ivar query: its query as PEP 3333 has it: one character for each byte.
    :ivar fragment: what stands behind the first ``#``, which no client sends.
    """

    text: str
    path: str
    query: str
    fragment: str

    @classmethod
    def parse(cls, text: str) -> URL:
        """Take *text* apart: a whole URL, or a path and a query. ``urlsplit`` would take ``//pixel`` for a host."""
        text = text.strip()
        sent, _, fragment = text.partition("#")
        front, _, query = sent.partition("?")
        scheme, colon, rest = front.partition("://")
        if colon and scheme.isalnum():
            front = f"/{rest.partition('/')[2]}"
        path = decode_utf8(unquote_to_bytes(front.encode("utf-8", "surrogateescape")))
        # A byte of the command line that is not UTF-8 stays that byte.
        return cls(text, path, wsgi_text(query, "surrogateescape"), fragment)

    @property
    def chars(self) -> int:
        """How long it is once it is sent, where each byte that is not ASCII, and each space, takes three characters."""
        return sum(1 if 32 < byte < 127 else 3 for byte in self.text.encode("utf-8", "surrogateescape"))


def parameters(query: str) -> list[Parameter]:
    """The parameters of *query*, in its order, those without a name left out."""
    pairs = [pair.partition("=") for pair in query.split("&")]
    decoded = [
        Parameter(raw_name, raw_value, repair_name(unquote_text(environ_bytes(raw_name))), unquote_text(raw))
        for raw_name, _, raw_value in pairs
        for raw in [environ_bytes(raw_value)]
    ]
    return [parameter for parameter in decoded if parameter.name]


def without(query: str, name: str) -> str:
    """*query* without the parameters that the collector calls *name*."""
    pairs = query.split("&")
    names, _ = decode_pairs(environ_bytes(query))
    return "&".join(pair for pair, read in zip(pairs, names, strict=True) if repair_name(read) != name)


def leaves(event: Mapping[str, Any]) -> Iterator[Parameter]:
    """The texts in *event*, each with the name that it would have as a parameter."""
    waiting: list[tuple[tuple[str, ...], Any]] = [((), event)]
    for path, value in waiting:  # it grows
        if isinstance(value, dict | list):
            members = value.items() if isinstance(value, dict) else enumerate(value)
            waiting += [((*path, str(key)), member) for key, member in members]
        elif isinstance(value, str):
            name = join_name(path)
            yield Parameter(name, value, name, value)
