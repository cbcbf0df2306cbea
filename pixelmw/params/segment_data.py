"""Segment's form of a pixel: a whole event as JSON in base64, in the parameter ``data``."""

from __future__ import annotations

import binascii
import json
import math
import re
from typing import Any, NoReturn

from ..errors import Rejected
from ..text import id_says_nothing, is_blank, name_without_value, strip_invisible
from .limits import Limits
from .names import join_name

_BASE64 = re.compile(r"([A-Za-z0-9+/]+)={0,2}")
# "-" and "_" are those of the alphabet for URLs (RFC 4648, section 5); a plus that was not escaped came as a space.
_TO_STANDARD_ALPHABET = str.maketrans("-_ ", "+/+")
# JSON may escape what no other text of a query can hold: NUL, and half of a surrogate pair.
_NO_TEXT = re.compile("[\0\ud800-\udfff]")


def event_in_data(params: dict[str, Any], limits: Limits) -> dict[str, Any]:
    """The event that stands in the ``data`` of *params*, with the write key; or *params* if none stands there.

    There is one if ``data`` is base64 of a JSON object, and neither ``userId``
    nor ``anonymousId`` stands beside it. The names in it are literal. Of what
    stands beside ``data``, only ``writeKey`` counts.

    :raises Rejected: ``too-large`` if a name or the number of values in it is
        over its limit; ``bad-query`` if it is nested too deep.
    """
    if not (_is_absent(params.get("userId")) and _is_absent(params.get("anonymousId"))):
        return params
    event = _decode(params["data"])
    if event is None:
        return params
    _require_limits(event, limits)
    if not is_blank(params.get("writeKey")):
        event["writeKey"] = params["writeKey"]
    return event


def _is_absent(user: Any) -> bool:
    return user is None or (isinstance(user, str) and id_says_nothing(strip_invisible(user)))


def _decode(data: Any) -> dict[str, Any] | None:
    if not isinstance(data, str) or not (base64 := _BASE64.fullmatch(data.translate(_TO_STANDARD_ALPHABET))):
        return None
    digits = base64[1]
    try:
        text = binascii.a2b_base64(digits + "=" * (-len(digits) % 4)).decode("utf-8-sig", "replace")
        if not text.lstrip(" \t\r\n").startswith("{"):
            return None
        event: dict[str, Any] = json.loads(
            text,
            object_pairs_hook=_object_of,
            parse_float=_float_or_text,
            parse_int=_int_or_text,
            parse_constant=_refuse_constant,
        )
    except ValueError:
        return None
    except RecursionError:
        raise Rejected("bad-query", "data is nested too deep", path="data", rule="depth") from None
    return event


def _object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in pairs:
        made.setdefault(_NO_TEXT.sub("\ufffd", name), _clean(value))
    return made


def _clean(value: Any) -> Any:
    """*value* with all its strings as text; those in objects have been cleaned already."""
    if isinstance(value, str):
        return _NO_TEXT.sub("\ufffd", value)
    return [_clean(item) for item in value] if isinstance(value, list) else value


def _float_or_text(text: str) -> float | str:
    value = float(text)
    return value if math.isfinite(value) else text


def _int_or_text(text: str) -> int | str:
    return int(text) if math.isfinite(float(text)) else text


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")


def _require_limits(event: dict[str, Any], limits: Limits) -> None:
    """Hold what stands in *event* to the limits that it would meet as parameters with dotted names."""
    values = 0
    waiting: list[tuple[tuple[str | int, ...], int, Any]] = [((), 0, event)]
    for path, chars, value in waiting:
        if len(path) > limits.depth:
            name = join_name(path)
            message = f"{name_without_value(name)} in data has over {limits.depth} segments, which is the limit"
            raise Rejected("bad-query", message, path=name, rule="depth")
        if chars - 1 > limits.key_chars:
            name = join_name(path)
            message = f"{name_without_value(name)} in data is a name of over {limits.key_chars} characters"
            raise Rejected("too-large", message, path=name, rule="key_chars")
        children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        if children and value:
            waiting += [((*path, key), chars + len(str(key)) + 1, child) for key, child in children]
        else:
            values += 1
    if values > limits.params:
        message = f"data has {values} values; at most {limits.params} are accepted"
        raise Rejected("too-large", message, path="data", rule="params")
