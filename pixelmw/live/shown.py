"""Events and refusals as the live view shows them: JSON without write keys, and without a character that HTML knows.

1. What becomes of a request is frozen at once, which takes two microseconds:
   whoever changes the event afterwards does not change what is shown.
2. It becomes JSON, which takes ten times as long, when somebody asks for it.
"""

from __future__ import annotations

import json
import marshal
import re
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from ..text import name_without_value

if TYPE_CHECKING:
    from ..errors import Rejected

#: What hides the write keys in a text, in which they may stand as in a query.
Mask = Callable[[str], str]

# Only ASCII comes out, and no NaN, which a browser's JSON does not know.
_encode = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode
# Of the escapes with a percent sign only those of letters can spell a name, however often they were escaped.
_MAY_HOLD_A_KEY = re.compile("writekey|%(?:25)*[4-7][0-9a-f]", re.IGNORECASE)
_WRITE_KEY = re.compile("writekey", re.IGNORECASE)
# A message quotes values. "writeKey is missing" tells no key.
_KEY_WITH_VALUE = re.compile('writekey[^\\s"]*[=:%]|%(?:25)*[4-7][0-9a-f]', re.IGNORECASE)
_HIDDEN = "***"


class Frozen(NamedTuple):
    """A copy of something that is JSON.

    :ivar size: in bytes, more or less.
    :ivar thaw: makes an equal object.
    """

    size: int
    thaw: Callable[[], Any]


def freeze(value: Any) -> Frozen:
    """A copy of *value*, as it is now. What is no JSON may be found only when it is shown.

    :raises ValueError: if it cannot be copied.
    :raises TypeError: likewise.
    :raises RecursionError: if it is nested too deep.
    """
    try:
        copy = marshal.dumps(value)  # three times as fast as JSON, and never read outside of this process
        return Frozen(len(copy), partial(marshal.loads, copy))
    except ValueError:  # a subclass of str or dict, which an enricher may leave
        text = json_text(value)
        return Frozen(len(text), partial(json.loads, text))


def json_text(value: Any) -> str:
    """*value* as JSON in ASCII, which stays text wherever it is pasted: ``<``, ``>`` and ``&`` are escaped in it.

    :raises ValueError: if it is no JSON, or holds itself.
    :raises TypeError: likewise.
    :raises RecursionError: if it is nested too deep.
    """
    return _encode(value).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def good_members(frozen: Frozen, mask: Mask) -> str:
    """The members of the JSON object that stands for a stored event; raises as :func:`json_text` does."""
    event = frozen.thaw()
    return f'"good":true,"eventType":{json_text(event.get("type"))},"event":{_without_keys(event, mask)}'


def facts_of(refusal: Rejected) -> dict[str, Any]:
    """What is to be frozen of a refusal."""
    return {
        "good": False,
        "eventType": refusal.event_type,
        "errors": [refusal.message],
        "code": refusal.code,
        "status": refusal.status,
        "path": refusal.path,
        "rule": refusal.rule,
        "query": refusal.query,  # has no write key
        "event": refusal.event,
    }


def bad_members(frozen: Frozen, mask: Mask) -> str:
    """The members of the JSON object that stands for a refusal, of its facts; raises as :func:`json_text` does."""
    facts = frozen.thaw()
    (message,), path, event = facts["errors"], facts["path"], facts.pop("event")
    facts["errors"] = [mask(message) if _KEY_WITH_VALUE.search(message) else message]
    facts["path"] = None if path is None else name_without_value(path)
    return f'{json_text(facts)[1:-1]},"event":{"null" if event is None else _without_keys(event, mask)}'


def _without_keys(event: dict[str, Any], mask: Mask) -> str:
    text = json_text(event)
    return json_text(_masked(event, mask)) if _MAY_HOLD_A_KEY.search(text) else text


def _masked(value: Any, mask: Mask) -> Any:
    """A copy of *value*, which is JSON, without write keys."""
    if isinstance(value, dict):
        return {
            mask(str(name)): _HIDDEN if _names_a_key(str(name), mask) else _masked(child, mask)
            for name, child in value.items()
        }
    if isinstance(value, list | tuple):
        return [_masked(child, mask) for child in value]
    return mask(value) if isinstance(value, str) else value


def _names_a_key(name: str, mask: Mask) -> bool:
    """Whether what has this *name* may be a write key, also if the name was escaped."""
    if _WRITE_KEY.search(name):
        return True
    return "%" in name and mask(f"{name}=x") != f"{name}=x"
