"""The rules 1 to 9 of the contract, from a request to an event, word by word: slow and plain.

It remembers nothing, compiles nothing, and asks jsonschema for the verdict.
What it says is what the package must do.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from jsonschema.protocols import Validator

from pixelmw import Limits
from tests.support.reference_coercion import ReferenceCoercion
from tests.support.reference_query import RefusedQuery, parsed, segment_event, within_limits

Event = dict[str, Any]

_FILLERS = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
_PLACEHOLDERS = [r"\$\{[^}]+\}", r"\{\{((?!\}\}).)+\}\}", r"\{[A-Za-z0-9_$!.]+\}", r"%%((?!%%).)+%%"]
_PLACEHOLDERS += [r"\*\|((?!\|\*).)+\|\*", r"\[\[((?!\]\]).)+\]\]", r"#\{[^}]+\}", r"\[%((?!%\]).)+%\]"]
_IN_IDS = (r"\{\{.+?\}\}", r"\*\|.+?\|\*", r"%%.+?%%", r"\$\{.+?\}")


def is_invisible(character: str) -> bool:
    """Rule 5. The categories are those of the Python at hand, so a test draws old characters only."""
    return unicodedata.category(character) in ("Cc", "Cf", "Zs", "Zl", "Zp") or character in _FILLERS


def says_nothing(text: str) -> bool:
    """Rule 5, for any text."""
    if all(is_invisible(character) or character == "\ufffd" for character in text):
        return True
    if text in ("undefined", "null", "NaN", "None", "[object Object]"):
        return True
    return any(re.fullmatch(form, text, re.DOTALL) for form in _PLACEHOLDERS)


def cleaned_id(value: Any, *, of_amp: bool = False) -> Any:
    """Rules 5 and 6, for an id; ``None`` if it says nothing."""
    if not isinstance(value, str):
        return value
    value = _stripped(value)
    if of_amp and len(value) >= 2 and value[0] == value[-1] == '"':
        value = _stripped(value[1:-1])
    nothing = says_nothing(value) or any(re.search(form, value, re.DOTALL) for form in _IN_IDS)
    return None if nothing else value


def _stripped(text: str) -> str:
    while text and is_invisible(text[0]):
        text = text[1:]
    while text and is_invisible(text[-1]):
        text = text[:-1]
    return text


def is_blank(value: Any) -> bool:
    """Returns True for ``None``, and for white space."""
    return value is None or (isinstance(value, str) and not value.strip())


@dataclass
class Visit:
    """A request: its query, and what its headers say, as they come and as the event has them.

    :ivar address: ``REMOTE_ADDR``, and the address that it stands for.
    :ivar language: ``Accept-Language``, and the tag that it asks for.
    """

    query: bytes
    address: tuple[str, str | None]
    language: tuple[str, str | None]
    agent: str
    referer: str

    def environ(self) -> dict[str, Any]:
        """The WSGI environ."""
        texts = {"HTTP_USER_AGENT": self.agent, "HTTP_REFERER": self.referer}
        return {
            "REQUEST_METHOD": "GET",
            "QUERY_STRING": self.query.decode("latin-1"),
            "REMOTE_ADDR": self.address[0],
            "HTTP_ACCEPT_LANGUAGE": self.language[0],
            **{name: text.encode().decode("latin-1") for name, text in texts.items()},
        }


@dataclass
class Outcome:
    """What becomes of a request.

    :ivar code: of the refusal; empty if the event is stored.
    :ivar event: what is stored, or how far the event was built.
    :ivar rule: of a refusal that is no verdict of the schema's.
    """

    code: str
    event: Event | None
    rule: str | None = None


class ReferencePipeline:
    """Makes events of one type of requests.

    :param event_type: the type.
    :param validator: jsonschema's, for the schema.
    :param draft: of the schema.
    :param enrichers: the user's, which run after ``client_context``.
    :param instant: the time of all requests.
    :param new_id: the messageId of an event without one.
    """

    def __init__(
        self,
        event_type: str,
        validator: Validator,
        draft: str,
        *,
        enrichers: Iterable[Callable[..., object]] = (),
        limits: Limits,
        instant: str,
        new_id: str,
    ) -> None:
        self.event_type, self.instant, self.new_id, self.limits = event_type, instant, new_id, limits
        self.validator, self.enrichers = validator, list(enrichers)
        self.coercion = ReferenceCoercion(validator, draft)

    def outcome(self, visit: Visit) -> Outcome:
        """What becomes of *visit*."""
        try:
            params = self.params(visit.query)
        except RefusedQuery as refused:
            return Outcome(refused.args[0], None, refused.args[1])
        write_key = params.pop("writeKey", None)  # rule 4
        if not isinstance(write_key, str) or not write_key.strip():
            return Outcome("unauthorized", None)
        event = self.event_of(params)
        for name in ("context", "properties", "traits"):  # rule 7
            if name in event and not isinstance(event[name], dict):
                return Outcome("invalid", event, "type")
        self.add_context(event, visit)
        for enrich in self.enrichers:
            enrich(event, None)
        event = json.loads(json.dumps(event))
        event = self.coercion.coerce(event)
        return Outcome("" if self.validator.is_valid(event) else "invalid", event)

    def params(self, query: bytes) -> dict[str, Any]:
        """Rules 1 to 3."""
        params = parsed(query, self.limits)
        absent = all(cleaned_id(params.get(name)) is None for name in ("userId", "anonymousId"))
        event = segment_event(params.get("data")) if absent else None
        if event is None:
            return params
        within_limits(event, self.limits)
        return event if is_blank(params.get("writeKey")) else event | {"writeKey": params["writeKey"]}

    def event_of(self, params: dict[str, Any]) -> Event:
        """Rule 6."""
        event = self.without_nothing(params)
        if self.event_type == "page" and "name" in event and is_blank(event["name"]):
            event["name"] = "Unknown Page"
        if is_blank(event.get("channel")):
            event["channel"] = "web"
        event.setdefault("messageId", self.new_id)
        for name in ("originalTimestamp", "sentAt"):
            if is_blank(event.get(name)):
                event[name] = self.instant
        event |= {"type": self.event_type, "integrations": {"All": True}, "receivedAt": self.instant}
        event.setdefault("context", {})
        if isinstance(event["context"], dict):
            for name in ("ip", "source", "omitted", "trackingPlanId", "trackingPlanVersion", "violationErrors"):
                event["context"].pop(name, None)
        return event

    def without_nothing(self, params: dict[str, Any]) -> Event:
        """Rules 5 and 7: what counts as absent."""
        event = dict(params)
        for name in ("messageId", "anonymousId", "userId", "groupId", "previousId"):
            event[name] = cleaned_id(event.get(name), of_amp=name == "anonymousId")
            if event[name] is None:
                del event[name]
        for name in ("context", "properties", "traits"):
            value = event.get(name)
            if value is None or (isinstance(value, str) and says_nothing(value)):
                event.pop(name, None)
        return event

    def add_context(self, event: Event, visit: Visit) -> None:
        """Rule 7: what the headers say."""
        context = event["context"]
        self.fill(context, "ip", visit.address[1])
        self.fill(context, "userAgent", visit.agent)
        self.fill(context, "locale", visit.language[1])
        page = {} if is_blank(context.get("page")) else context["page"]
        if isinstance(page, dict):
            if self.event_type == "page":
                for name in ("path", "referrer", "title", "url"):
                    self.fill(page, name, event.get("properties", {}).get(name))
            self.fill(page, "url", visit.referer)
            if page:
                context["page"] = page

    def fill(self, parent: Event, name: str, text: Any) -> None:
        """Rule 7: fill in a text that says something, where there is none or a blank one."""
        if is_blank(parent.get(name)) and isinstance(text, str) and not is_blank(text):
            parent[name] = text.replace("\0", "\ufffd")
