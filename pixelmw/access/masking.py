"""Takes write keys out of what is shown."""

from __future__ import annotations

from ..params.decode import unquote_text
from ..text import environ_bytes


def mask_write_key(query: str) -> str:
    """*query* with the value of anything that may be a write key replaced by ``***``.

    Wide on purpose: a key in ``amp;writeKey=``, ``write%4Bey=``, ``writeKey.x=``
    or ``writeKey%3D...`` is as secret as one in its proper place.
    """
    return "&".join(map(_mask, query.split("&")))


def _mask(pair: str) -> str:
    if not ("key" in pair.lower() or "%" in pair or "\\" in pair):
        return pair
    raw_name, equals, _ = pair.partition("=")
    name, inner_equals, _ = unquote_text(environ_bytes(raw_name)).replace("\\", "").partition("=")
    if "writekey" not in name.lower():
        return pair
    return f"{name}=***" if inner_equals else f"{raw_name}=***" if equals else pair
