"""One request to one event in the sink, or to the reason why not."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from .access import WriteKeyChecker, WriteKeys, mask_write_key
from .enrich import client_context
from .errors import Discard, Rejected
from .events import Event, Sink, build_event
from .params import Limits, parse_query
from .request import LazyRequest
from .schema import event_schemas
from .system.fork import ForkSafeLock
from .system.ids import random_uuid
from .text import printable_name

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

    from werkzeug.wrappers import Request

#: Adds to an event, or changes it, before the schema judges it.
Enricher = Callable[[Event, "Request"], None]

_C = TypeVar("_C", bound=Callable[..., object])

logger = logging.getLogger("pixelmw")


def log_rejected(refusal: Rejected) -> None:
    """Log one line about a refused request; it never holds a parameter's value, nor the write key."""
    where = f" at {printable_name(refusal.path)}" if refusal.path else ""
    rule = f" ({refusal.rule})" if refusal.rule else ""
    logger.warning("refused a %s event: %s%s%s", refusal.event_type, refusal.code, where, rule)


class Collector:
    """Turns requests into events in a sink, free of WSGI's calling convention.

    The arguments are those of :class:`pixelmw.PixelMiddleware`, and two more:

    :param clock: the time in seconds since the epoch.
    :param new_id: makes a messageId for an event that came without one.
    """

    def __init__(
        self,
        sink: Sink,
        *,
        schemas: Mapping[str, Mapping[str, Any]] | None = None,
        write_keys: WriteKeys = "any",
        enrich: Iterable[Enricher] = (client_context,),
        on_reject: Callable[[Rejected], object] = log_rejected,
        limits: Limits = Limits(),  # noqa: B008 - it is immutable
        clock: Callable[[], float] = time.time,
        new_id: Callable[[], str] = random_uuid,
    ) -> None:
        self.sink = _callable("sink", sink, "any callable that takes an event; of a list, its append")
        self.on_reject = _callable("on_reject", on_reject, "any callable that takes a Rejected")
        if callable(enrich) or not isinstance(enrich, Iterable):
            raise TypeError(f"enrich is {enrich!r}: give a list of callables, even for one")
        self.enrich = tuple(
            _callable("an enricher", enricher, "a callable that takes an event and a request") for enricher in enrich
        )
        if not isinstance(limits, Limits):
            raise TypeError(f"limits is {limits!r}: give a pixelmw.Limits")
        self.limits = limits
        self.clock = _callable("clock", clock, "a callable that returns seconds since the epoch")
        self.new_id = _callable("new_id", new_id, "a callable that returns a string")
        self._keys = WriteKeyChecker(write_keys)
        self._schemas = event_schemas(schemas)
        self._outcomes: Counter[str] = Counter()
        self._lock = ForkSafeLock()

    def collect(self, event_type: str, environ: WSGIEnvironment) -> Event:
        """Store the event that a request stands for, and return it.

        :param event_type: one of ``page track identify group alias screen``.
        :param environ: a WSGI environ; it is read, and left as it was.
        :raises Rejected: where the request is refused; ``on_reject`` has been told.
        :raises Discard: where an enricher raised it; nothing was stored.
        :raises Exception: what an enricher or the sink raised; nothing is known to be stored.
        """
        try:
            event = self._build(event_type, environ)
            try:
                self.sink(event)
            except (Discard, Rejected) as error:  # the enrichers' words; from a sink they would pass for an answer
                raise RuntimeError(f"the sink raised {type(error).__name__}, which only an enricher may") from error
        except Rejected as error:
            refusal = error
        except Discard:
            self._count("discarded")
            raise
        except Exception:
            self._count("unavailable")
            raise
        else:
            self._count("accepted")
            return event
        self.reject(refusal)  # out here, so that a traceback of on_reject's does not tell the refusal's message
        raise refusal

    def _build(self, event_type: str, environ: WSGIEnvironment) -> Event:
        if (schema := self._schemas.get(event_type)) is None:
            raise ValueError(f"unknown event type {event_type!r}; known are {', '.join(self._schemas)}")
        query = environ.get("QUERY_STRING", "")
        event = None
        try:
            params = parse_query(query, self.limits)
            source = self._keys.check(params.pop("writeKey", None))
            event = build_event(event_type, params, now=self.clock(), new_id=self.new_id, source=source)
            request = LazyRequest(environ)
            for enrich in self.enrich:
                enrich(event, request)
            schema.coerce_and_validate(event)
        except Rejected as refusal:
            refusal.event_type, refusal.event = event_type, event
            refusal.query = partial(mask_write_key, query)
            raise
        return event

    def reject(self, refusal: Rejected) -> None:
        """Count *refusal* and tell ``on_reject``; what that raises is logged, and goes no further."""
        self._count(refusal.code)
        try:
            self.on_reject(refusal)
        except Exception:
            logger.exception("on_reject failed on a %s event refused as %s", refusal.event_type, refusal.code)

    def stats(self) -> dict[str, int]:
        """How many requests this process has seen end as ``accepted``, ``discarded`` or under a refusal's code."""
        with self._lock:
            return dict(self._outcomes)

    def _count(self, outcome: str) -> None:
        with self._lock:
            self._outcomes[outcome] += 1


def _callable(what: str, value: _C, remedy: str) -> _C:
    if not callable(value):
        raise TypeError(f"{what} is {value!r}: give {remedy}")
    return value
