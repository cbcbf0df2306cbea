"""Collects the texts of a request that no log may show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..params.decode import decode_pairs
from ..system.failures import PrivateTexts
from ..system.words import private_in_events
from ..text import environ_bytes

# A query past every limit was refused before anything of it could be quoted; what is looked through costs time.
_MAX_QUERY = 262_144  # characters


def private_texts(query: str, event: Mapping[str, Any] | None) -> PrivateTexts:
    """The values of *query*, and the texts, long numbers and unusual names of *event*, with the write key.

    :param query: the raw query string.
    :param event: as far as it was built. Its type is not private: the log names it.
    """
    names, values = decode_pairs(environ_bytes(query[:_MAX_QUERY]))
    # A name with an equals sign comes from a query that was escaped once too often, and holds values.
    in_names = [value for name in names if (value := name.partition("=")[2])]
    keys = [value for name, value in zip(names, values, strict=True) if "writekey" in name.lower()]
    return PrivateTexts([*values, *in_names, *private_in_events([event or {}])], keys)
