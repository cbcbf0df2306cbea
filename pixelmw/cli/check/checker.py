"""Finds out what becomes of a URL: the event, or all that the collector has against it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from werkzeug.test import create_environ

from ...access import SignedLink, Signer, mask_write_key
from ...collector import Collector
from ...errors import Discard, Rejected
from ...events import Event
from ...params import Limits, parse_query
from ...schema import all_refusals, known_names
from ...text import shortened
from .hints import Hint, hints_of_parameters, hints_of_url
from .url import URL, Parameter, leaves, parameters, without

# So many faults of names and keys are looked for in one URL.
_MAX_TRIES = 20
# Refusals with these codes are about the name that they give as their path. Without it, more can be found out.
_OF_ONE_NAME = ("bad-query", "too-large")
# These are refused if they are no objects.
_OBJECTS = ("context", "properties", "traits")


class Fault(NamedTuple):
    """Something that a request with the URL is refused for.

    :ivar parameter: the parameter at fault, or ``None``.
    :ivar rule: the rule that it breaks, or ``None``.
    :ivar code: that of :class:`pixelmw.Rejected`, or ``no-pixel``.
    :ivar message: a sentence.
    """

    parameter: str | None
    rule: str | None
    code: str
    message: str


class Result(NamedTuple):
    """What becomes of a URL.

    :ivar url: the URL, with the write key masked.
    :ivar event_type: its event type, or ``None`` if no pixel has its path.
    :ivar event: the event, if there is no fault.
    :ivar faults: what it is refused for.
    :ivar hints: what may be wrong with it all the same.
    :ivar discarded: True if an enricher discarded the event.
    """

    url: str
    event_type: str | None
    event: Event | None
    faults: Sequence[Fault]
    hints: Sequence[Hint]
    discarded: bool = False


class Checker:
    """Checks URLs without a server and without storing anything.

    :param pixels: path to event type and the collector of the pixel there.
    :param signer: verifies links, so that what is in them is seen.
    """

    def __init__(self, pixels: Mapping[str, tuple[str, Collector]], signer: Signer | None = None) -> None:
        self._pixels = pixels
        self._signer = signer

    def check(self, text: str) -> Result:
        """Find out what becomes of the URL *text*."""
        url = URL.parse(text)
        masked = _masked(url)
        hints = list(hints_of_url(url))
        path = self._pixel_path(url.path)
        if path is None:
            fault = Fault(None, None, "no-pixel", self._no_pixel(url.path))
            return Result(masked, None, None, [fault], hints)
        if (mounted_at := url.path.removesuffix(path)).strip("/"):
            words = f"the path counts only where the application is mounted at {shortened(mounted_at)}"
            hints.append(Hint(None, "mounted", words))
        event_type, collector = self._pixels[path]
        link = self._signer.verify(_lone_value(url.query, "signed")) if self._signer else None
        outcome = _collect(collector, event_type, path, url.query)
        faults = list(outcome.faults)
        if link is not None and {fault.code for fault in faults} == {"expired"}:
            inside = _collect(collector, event_type, path, link.query).faults
            faults += [fault for fault in inside if fault.code != "forged"]  # as it is where unsigned links are refused
        if not outcome.looked_inside:
            hints.append(Hint("writeKey", "unknown-key", "what else may be wrong is seen only with a key that counts"))
        hints += self._hints_of_content(url, link, collector, event_type)
        return Result(masked, event_type, outcome.event, faults, hints, outcome.discarded)

    def _pixel_path(self, path: str) -> str | None:
        """The path of a pixel that *path* is, or ends with; a second slash in front makes no difference."""
        if (plain := path.removeprefix("/")) in self._pixels:
            return plain
        return next((known for known in sorted(self._pixels, key=len, reverse=True) if path.endswith(known)), None)

    def _no_pixel(self, path: str) -> str:
        plain = "/" + "/".join(filter(None, path.lower().split("/")))
        near = difflib.get_close_matches(plain, self._pixels, 1)
        meant = f": is {near[0]} meant?" if near else f"; these have: {', '.join(self._pixels)}"
        return f"no pixel has the path {shortened(path) or '/'}{meant}"

    def _hints_of_content(self, url: URL, link: SignedLink | None, collector: Collector, event_type: str) -> list[Hint]:
        query = link.query if link else url.query
        found = parameters(query)
        names = {parameter.name for parameter in found}
        hints = []
        if "signed" in names and self._signer is None:
            hints.append(Hint("signed", "signed", "the link is signed: give --keys-file to see what is in it"))
        if "data" in names:
            inside = _parsed(query, collector.limits)
            if "data" in inside:
                words = "data is no base64 of a JSON object, or stands beside an id: it is an ordinary parameter"
                hints.append(Hint("data", "data", words))
            else:
                found = list(leaves(inside))
        names_at = partial(known_names, collector.schemas[event_type], event_type, _as_far_as_built(found))
        return hints + list(hints_of_parameters(found, names_at))


class _Outcome(NamedTuple):
    """What the collector made of a request, see :class:`Result`; *looked_inside* is False if no key counts."""

    event: Event | None = None
    faults: Sequence[Fault] = ()
    discarded: bool = False
    looked_inside: bool = True


def _collect(collector: Collector, event_type: str, path: str, query: str) -> _Outcome:
    """Collect a request; what is refused for one parameter is tried again without it, to look at the others too."""
    faults: dict[Fault, None] = {}
    has_key = looked_inside = True
    for _ in range(_MAX_TRIES):
        environ = create_environ(path, environ_overrides={"QUERY_STRING": query, "REMOTE_ADDR": "127.0.0.1"})
        try:
            event = collector.collect(event_type, environ)
            return _Outcome(event) if not faults else _Outcome(faults=list(faults))
        except Discard:
            return _Outcome(discarded=True) if not faults else _Outcome(faults=list(faults))
        except Rejected as refusal:
            faults |= dict.fromkeys(map(_fault, _all_refusals(collector, event_type, refusal)))
            shorter = query
            if refusal.code == "unauthorized":
                shorter = f"writeKey=check&{query}" if has_key else query
                has_key, looked_inside = False, has_key
            elif refusal.path and (refusal.code in _OF_ONE_NAME or _is_about_one_name(refusal)):
                shorter = without(query, refusal.path)
            if shorter == query:
                break
            query = shorter
        except Exception as error:
            # The collector has logged it, with the traceback.
            words = f"an enricher, write_keys or the like raised {type(error).__name__}, which is answered 503"
            faults[Fault(None, None, "unavailable", words)] = None
            break
    return _Outcome(faults=list(faults), looked_inside=looked_inside)


def _all_refusals(collector: Collector, event_type: str, refusal: Rejected) -> list[Rejected]:
    """*refusal*, and whatever else the schema has against the event."""
    if refusal.code != "invalid" or refusal.event is None or _is_no_object(refusal):
        return [refusal]
    others = all_refusals(collector.schemas[event_type], event_type, refusal.event)
    same = [each for each in others if (each.path, each.rule) == (refusal.path, refusal.rule)]
    return others if same else [refusal, *others]


def _is_about_one_name(refusal: Rejected) -> bool:
    return refusal.rule == "additionalProperties" or _is_no_object(refusal)


def _is_no_object(refusal: Rejected) -> bool:
    return refusal.path in _OBJECTS and refusal.rule == "type"


def _fault(refusal: Rejected) -> Fault:
    return Fault(refusal.path, refusal.rule, refusal.code, refusal.message)


def _as_far_as_built(parameters: Iterable[Parameter]) -> Event:
    """An event with the name and the version by which a plan finds what is planned for it."""
    values = {parameter.name: parameter.value for parameter in parameters}
    version = values.get("context.protocols.event_version")
    return {"event": values.get("event"), "context": {"protocols": {"event_version": version}} if version else {}}


def _parsed(query: str, limits: Limits) -> Mapping[str, Any]:
    try:
        return parse_query(query, limits)
    except Rejected:
        return {"data": None}


def _lone_value(query: str, name: str) -> str | None:
    return next((parameter.value for parameter in parameters(query) if parameter.name == name), None)


def _masked(url: URL) -> str:
    front, mark, _ = url.text.partition("#")[0].partition("?")
    return f"{front}{mark}{mask_write_key(url.query)}"
