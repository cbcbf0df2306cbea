"""Filters of the lists of good and bad events: which ones, and how many of the newest.

All that is given must hold. A value is compared as a whole, except ``text``.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

#: What ``good`` and ``bad`` can be filtered by. ``code`` is only in refusals.
FILTERS = ("event_type", "event", "id", "text", "code", "limit")
_IDS = ("userId", "anonymousId", "messageId")
_NAMES = ("event", "name")
#: What is read of a body, in bytes; a filter is a line.
MAX_BODY = 65_536
_MAX_FIELDS = 100


class WrongFilter(ValueError):
    """A filter that cannot work; the message says why, to whoever sent it."""


def read_filter(environ: WSGIEnvironment) -> dict[str, Any]:
    """The filter of a request: the query of a GET, or the JSON object in the body of a POST.

    :raises WrongFilter: if it is none, or has an unknown name.
    """
    is_post = environ.get("REQUEST_METHOD") == "POST"
    given = _body(environ) if is_post else query_of(environ)
    for name in given:
        if name not in FILTERS:
            near = difflib.get_close_matches(name, FILTERS, 1)
            remedy = f"did you mean {near[0]}?" if near else f"known are {', '.join(FILTERS)}"
            raise WrongFilter(f"unknown filter {name[:64]!r}: {remedy}")
    wanted = {name: value for name, value in given.items() if value is not None}
    if "limit" in wanted:
        wanted["limit"] = whole_number("limit", wanted["limit"])
    for name, value in wanted.items():
        if name != "limit" and not isinstance(value, str):
            raise WrongFilter(f"{name} must be a string")
    return wanted


def query_of(environ: WSGIEnvironment) -> dict[str, str]:
    """The parameters of the query; of a repeated one, the last.

    :raises WrongFilter: if there are too many.
    """
    raw = environ.get("QUERY_STRING", "").encode("latin-1", "replace").decode("utf-8", "replace")
    try:
        return dict(parse_qsl(raw, keep_blank_values=True, errors="replace", max_num_fields=_MAX_FIELDS))
    except ValueError:
        raise WrongFilter(f"more than {_MAX_FIELDS} parameters") from None


def whole_number(name: str, value: object) -> int:
    """*value* as a number that counts something.

    :raises WrongFilter: if it is none.
    """
    # Nobody has more than a billion events here, and int() takes long for a text of many digits.
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise WrongFilter(f"{name} must be a whole number that is not negative")


def select(texts: Iterable[str], wanted: Mapping[str, Any]) -> list[str]:
    """Those of *texts*, each a JSON object of an event or a refusal, that *wanted* lets through, in the same order."""
    conditions = {name: value for name, value in wanted.items() if name != "limit"}
    found = [text for text in texts if not conditions or _passes(text, conditions)]
    return found[: wanted.get("limit")]


def _passes(text: str, conditions: Mapping[str, str]) -> bool:
    entry = json.loads(text)
    event = entry.get("event") or {}
    return all(_holds(name, value, entry, event) for name, value in conditions.items())


def _holds(name: str, value: str, entry: dict[str, Any], event: dict[str, Any]) -> bool:
    if name == "event_type":
        return bool(entry["eventType"] == value)
    if name == "event":
        return any(event.get(key) == value for key in _NAMES)
    if name == "id":
        return any(event.get(key) == value for key in _IDS)
    if name == "code":
        return bool(entry.get("code") == value)
    return value.casefold() in json.dumps(entry, ensure_ascii=False).casefold()


def _body(environ: WSGIEnvironment) -> dict[str, Any]:
    # Of a body in chunks no length is known here; without it, there is none (RFC 9112, section 6.3).
    length = environ.get("CONTENT_LENGTH") or ("none" if "HTTP_TRANSFER_ENCODING" in environ else "0")
    if not (length.isascii() and length.isdigit() and len(length) < 10 and int(length) <= MAX_BODY):
        raise WrongFilter(f"the body must be a JSON object of at most {MAX_BODY} bytes, with its Content-Length")
    raw = environ["wsgi.input"].read(int(length)) if int(length) else b"{}"
    try:
        given = json.loads(raw)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise WrongFilter("the body must be a JSON object")
    return given
