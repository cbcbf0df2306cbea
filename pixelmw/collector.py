"""Turns one request into one event in the sink, or refuses the request and says why."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from .access import SignatureChecker, Signer, Unsigned, WriteKeyChecker, WriteKeys, mask_write_key
from .enrich import client_context
from .errors import Discard, Rejected
from .events import Event, Sink, build_event, require_objects
from .params import Limits
from .request import LazyRequest
from .request_log import log_rejected, logger
from .schema import event_schemas
from .system.callables import checked_callable
from .system.figures import figure_of
from .system.fork import ForkSafeLock
from .system.ids import random_uuid

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

    from werkzeug.wrappers import Request

# The shells import the last two from here: they have the same arguments and the same logger.
__all__ = ["DEFAULT_ENRICHERS", "DEFAULT_LIMITS", "Collector", "Enricher", "log_rejected", "logger"]

#: Adds to an event, or changes it, before the schema judges it.
Enricher = Callable[[Event, "Request"], None]

DEFAULT_ENRICHERS: tuple[Enricher, ...] = (client_context,)
DEFAULT_LIMITS = Limits()


class Collector:
    """Turns requests into events in a sink, free of WSGI's calling convention.

    The arguments are those of :class:`pixelmw.PixelMiddleware`, and two more:

    :param clock: returns the time in seconds since the epoch.
    :param new_id: makes a messageId for an event that came without one.

    Safe to share between threads, and across fork.
    """

    def __init__(
        self,
        sink: Sink,
        *,
        schemas: Mapping[str, Mapping[str, Any]] | None = None,
        write_keys: WriteKeys = "any",
        signer: Signer | None = None,
        unsigned: Unsigned = "refuse",
        enrich: Iterable[Enricher] = DEFAULT_ENRICHERS,
        on_reject: Callable[[Rejected], object] = log_rejected,
        limits: Limits = DEFAULT_LIMITS,
        clock: Callable[[], float] = time.time,
        new_id: Callable[[], str] = random_uuid,
    ) -> None:
        self.sink = checked_callable("sink", sink, "any callable that takes an event; of a list, its append")
        self.on_reject = checked_callable("on_reject", on_reject, "any callable that takes a Rejected")
        if callable(enrich) or not isinstance(enrich, Iterable):
            raise TypeError(f"enrich is {enrich!r}: give a list of callables, even for one")
        self.enrich = tuple(
            checked_callable("an enricher", enricher, "a callable that takes an event and a request")
            for enricher in enrich
        )
        if not isinstance(limits, Limits):
            raise TypeError(f"limits is {limits!r}: give a pixelmw.Limits")
        self.limits = limits
        self.clock = checked_callable("clock", clock, "a callable that returns seconds since the epoch")
        self.new_id = checked_callable("new_id", new_id, "a callable that returns a string")
        self._key_checker = WriteKeyChecker(write_keys)
        self._signature_checker = SignatureChecker(signer, unsigned)
        self._schemas = event_schemas(schemas)
        self._outcome_counts: Counter[str] = Counter()
        self._lock = ForkSafeLock()

    @property
    def event_types(self) -> tuple[str, ...]:
        """The event types that :meth:`collect` knows."""
        return tuple(self._schemas)

    def collect(self, event_type: str, environ: WSGIEnvironment) -> Event:
        """Store the event that a request stands for, and return it.

        :param event_type: one of :attr:`event_types`.
        :param environ: a WSGI environ. It is read and not changed.
        :raises Rejected: if the request is refused; ``on_reject`` was called with it.
        :raises Discard: if an enricher raised it; nothing was stored.
        :raises Exception: what an enricher or the sink raised; whether the event was stored is not known.
        """
        query = environ.get("QUERY_STRING", "")
        event: Event | None = None
        try:
            if (schema := self._schemas.get(event_type)) is None:
                raise ValueError(f"unknown event type {event_type!r}; known are {', '.join(self._schemas)}")
            params, link = self._signature_checker.open(event_type, query, self.limits)
            source = self._key_checker.check(params.pop("writeKey", None))
            now = self.clock()
            event = build_event(event_type, params, now=now, new_id=self.new_id, source=source)
            self._signature_checker.check_time(link, now)
            require_objects(event)
            request = LazyRequest(environ, self.limits.header_chars)
            for enrich in self.enrich:
                enrich(event, request)
            schema.coerce_and_validate(event)
            self._store(event)
        except Rejected as error:
            refusal = error.with_evidence(event_type, event, partial(mask_write_key, query))
        except Discard:
            self._count("discarded")
            raise
        except Exception:
            self._count("unavailable")
            raise
        else:
            self._count("accepted")
            return event
        # on_reject is called outside the except clause. Inside it, the logged traceback of a failing on_reject would
        # also show the refusal, and the message of the refusal quotes a value.
        self._report(refusal)
        raise refusal

    def refuse(self, event_type: str, environ: WSGIEnvironment, code: str, message: str) -> Rejected:
        """Refuse a request that cannot be an event, such as a POST; ``on_reject`` is called with the refusal.

        :return: the refusal, for the reply.
        """
        query = partial(mask_write_key, environ.get("QUERY_STRING", ""))
        refusal = Rejected(code, message, event_type=event_type, query=query)
        self._report(refusal)
        return refusal

    def stats(self) -> dict[str, int]:
        """How many requests this process has seen end as ``accepted``, ``discarded`` or under a refusal's code.

        If the sink has ``stats()`` with a figure ``repeated``, as those have that
        store each event once, that is there too: how many of the accepted events
        the sink had already.
        """
        repeated = figure_of(self.sink, "repeated")
        with self._lock:
            counts = dict(self._outcome_counts)
        return counts if repeated is None else {**counts, "repeated": repeated}

    def _store(self, event: Event) -> None:
        try:
            self.sink(event)
        except (Discard, Rejected) as error:
            # These are for enrichers. From a sink they would be answered as if the event were discarded or refused.
            raise RuntimeError(f"the sink raised {type(error).__name__}, which only an enricher may") from error

    def _report(self, refusal: Rejected) -> None:
        """Count *refusal* and call ``on_reject``. An exception of ``on_reject`` is logged and goes no further."""
        self._count(refusal.code)
        try:
            self.on_reject(refusal)
        except Exception:
            logger.exception("on_reject failed on a %s event refused as %s", refusal.event_type, refusal.code)

    def _count(self, outcome: str) -> None:
        with self._lock:
            self._outcome_counts[outcome] += 1
