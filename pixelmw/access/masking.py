"""Masks write keys in query strings, so that logs and refusals can show the rest."""

from __future__ import annotations

import re

from ..params.decode import unquote_text
from ..params.names import repair_name
from ..text import environ_bytes

# These hold a whole event, with its write key, in a form that is not searched for it.
_OPAQUE_PARAMETERS = frozenset(["data", "signed"])

# Nothing else than these can lead to a mask, and most pairs have none of them.
_SUSPECT = re.compile(r"key|data|signed|%|\\", re.IGNORECASE)
_WRITE_KEY = re.compile("writekey", re.IGNORECASE)
# What may stand between writeKey and the equals sign if the name is dotted or bracketed.
_REST_OF_NAME = re.compile(r"(?:[.\[][^=:;]*)?")
# A percent sign that was escaped, perhaps several times: a link within a link, or one that a mail service rewrote.
_ESCAPED_ESCAPE = re.compile("%(?:25)+(?=[0-9A-Fa-f]{2})")


def mask_write_key(query: str) -> str:
    """*query* with ``***`` in place of whatever may be a write key.

    A value is masked if ``writekey`` stands anywhere in the parameter's name,
    in any case and with any escapes, also repeated ones: the key in
    ``amp;writeKey=``, ``write%4Bey=``, ``writeKey.x=`` or ``writeKey%3D...`` is
    as secret as that in ``writeKey=``. Where it stands elsewhere, as in
    ``writeKey:...``, ``x=a;writeKey=...`` or a link that is a value, the rest of the
    pair is masked. Of ``data`` and ``signed``, the whole value is.
    """
    return "&".join(map(_mask_pair, query.split("&")))


def _mask_pair(pair: str) -> str:
    if not _SUSPECT.search(pair):
        return pair
    raw_name, equals, raw_value = pair.partition("=")
    name, inner_equals, _ = _unescaped(raw_name).partition("=")
    repaired = repair_name(name)
    if repaired in _OPAQUE_PARAMETERS:
        return f"{repaired if inner_equals else raw_name}=***" if equals or inner_equals else pair
    if found := _WRITE_KEY.search(name):
        if equals and not inner_equals and _REST_OF_NAME.fullmatch(name, found.end()):
            return f"{raw_name}=***"
        nothing_follows = not equals and not inner_equals and found.end() == len(name)
        return pair if nothing_follows else _cut_behind_write_key(raw_name)
    value = _unescaped(raw_value)
    if (found := _WRITE_KEY.search(value)) and found.end() < len(value):
        return f"{raw_name}={_cut_behind_write_key(raw_value)}"
    return pair


def _unescaped(raw: str) -> str:
    """*raw* as it reads once nothing in it is escaped any more, neither by percent signs nor by backslashes."""
    return unquote_text(environ_bytes(_ESCAPED_ESCAPE.sub("%", raw))).replace("\\", "")


def _cut_behind_write_key(raw: str) -> str:
    """*raw* up to the first ``writeKey`` in it, and a mask; only the mask if that is spelled with escapes."""
    found = _WRITE_KEY.search(raw)
    return f"{raw[: found.end()]}=***" if found else "***"
