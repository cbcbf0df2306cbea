"""Masks write keys in query strings, so that logs and refusals can show the rest."""

from __future__ import annotations

from ..params.decode import unquote_text
from ..text import environ_bytes


def mask_write_key(query: str) -> str:
    """*query* with ``***`` in place of each value that may be a write key.

    Each parameter with ``writekey`` anywhere in its name is masked, in any case
    and with any escapes: the key in ``amp;writeKey=``, ``write%4Bey=``,
    ``writeKey.x=`` or ``writeKey%3D...`` is as secret as that in ``writeKey=``.
    """
    return "&".join(map(_mask_pair, query.split("&")))


def _mask_pair(pair: str) -> str:
    if not ("key" in pair.lower() or "%" in pair or "\\" in pair):  # spares most pairs the decoding
        return pair
    raw_name, equals, _ = pair.partition("=")
    name, inner_equals, _ = unquote_text(environ_bytes(raw_name)).replace("\\", "").partition("=")
    if "writekey" not in name.lower():
        return pair
    return f"{name}=***" if inner_equals else f"{raw_name}=***" if equals else pair
