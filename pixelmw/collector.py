"""Turns one request into one event in the sink, or refuses the request and says why."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from .access import SignatureChecker, Signer, Unsigned, WriteKeyChecker, WriteKeys, mask_write_key
from .enrich import client_context
from .enrich.sequence import EnricherSequence
from .errors import Discard, Rejected
from .events import Event, Sink, build_event, require_objects
from .params import Limits, join_name
from .reporter import Reporter
from .request import LazyRequest
from .request_log import log_rejected, logger
from .schema import TrackingPlan, event_schemas, planned_events
from .system.callables import Call, checked_callable, raise_if_unfinished, run_calls
from .system.counts import OutcomeCounts
from .system.failures import ends_the_call_only, forget_tracebacks
from .system.figures import figure_of
from .system.ids import random_uuid
from .system.json_values import find_non_json

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

    from werkzeug.wrappers import Request

# The shells import the last three from here: they have the same arguments, the same logger and the same masks.
__all__ = ["DEFAULT_ENRICHERS", "DEFAULT_LIMITS", "Collector", "Enricher", "log_rejected", "logger", "mask_write_key"]

#: Adds to an event, or changes it, before the schema judges it. What it returns is not used.
Enricher = Callable[[Event, "Request"], object]

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
        plan: TrackingPlan | None = None,
        write_keys: WriteKeys = "any",
        signer: Signer | None = None,
        unsigned: Unsigned = "refuse",
        enrich: Iterable[Enricher] = DEFAULT_ENRICHERS,
        on_reject: Callable[[Rejected], object] = log_rejected,
        limits: Limits = DEFAULT_LIMITS,
        clock: Callable[[], float] = time.time,
        new_id: Callable[[], str] = random_uuid,
    ) -> None:
        remedy = "any callable that takes an event; of a list, its append"
        self.sink = checked_callable("sink", sink, remedy, methods=("write", "start", "flush", "close"))
        self.reporter = Reporter(on_reject)
        self.on_reject = self.reporter.on_reject
        self._enrichers = EnricherSequence(enrich)
        self.enrich = self._enrichers.enrichers
        if not isinstance(limits, Limits):
            raise TypeError(f"limits is {limits!r}: give a pixelmw.Limits")
        self.limits = limits
        self.clock = checked_callable("clock", clock, "a callable that returns seconds since the epoch")
        self.new_id = checked_callable("new_id", new_id, "a callable that returns a string")
        self._key_checker = WriteKeyChecker(write_keys)
        self._asks_for_source = self._key_checker.asks_the_user
        self._signature_checker = SignatureChecker(signer, unsigned)
        self.schemas = planned_events(event_schemas(schemas, limits.pattern_steps), plan, limits.pattern_steps)
        if plan and plan.ignored:
            logger.info("%s has what JSON Schema does not know; it is ignored: %s", plan.name, ", ".join(plan.ignored))
        # Then all in an event comes from the query, or is made here.
        self._makes_all = not self._enrichers.has_the_users and new_id is random_uuid
        self._outcomes = OutcomeCounts()

    @property
    def event_types(self) -> tuple[str, ...]:
        """The event types that :meth:`collect` knows."""
        return tuple(self.schemas)

    def collect(self, event_type: str, environ: WSGIEnvironment) -> Event:
        """Store the event that a request stands for, and return it.

        :param event_type: one of :attr:`event_types`.
        :param environ: a WSGI environ. It is read and not changed.
        :raises Rejected: if the request is refused; ``on_reject`` was called with it.
        :raises Discard: if an enricher raised it; nothing was stored.
        :raises BaseException: what an enricher, ``write_keys`` or the sink raised; whether the event was stored is not
            known. It is logged, if it is to be answered (``system.failures.ends_the_call_only``).
        """
        return run_calls(self.steps(event_type, environ))

    def steps(self, event_type: str, environ: WSGIEnvironment) -> Generator[Call, Any, Event]:
        """:meth:`collect` in steps, for a shell that makes the calls of the user's callables itself.

        The generator yields each call that is to be made, goes on with what it
        returns or raises, and returns the event. All else is done between two steps.
        """
        query = environ.get("QUERY_STRING", "")
        event: Event | None = None
        write_key: Any = None
        outcome = "unavailable"
        try:
            try:
                if (schema := self.schemas.get(event_type)) is None:
                    raise ValueError(f"unknown event type {event_type!r}; known are {', '.join(self.schemas)}")
                params, link = self._signature_checker.open(event_type, query, self.limits)
                write_key = params.pop("writeKey", None)
                source = (
                    (yield from self._ask_for_source(write_key))
                    if self._asks_for_source
                    else self._key_checker.check(write_key)
                )
                now = self.clock()
                event = build_event(event_type, params, now=now, new_id=self.new_id, source=source)
                self._signature_checker.check_time(link, now)
                require_objects(event)
                request = LazyRequest(environ, self.limits.header_chars)
                if self._enrichers.has_the_users:
                    yield from self._enrichers.steps(event, request)
                    self._require_json(event)
                else:
                    self._enrichers.run(event, request)
                schema.coerce_and_validate(event, from_query=self._makes_all)
                try:
                    raise_if_unfinished("sink", self.sink, (yield self.sink, (event,)))
                except Exception as error:
                    self.reporter.judge_failure(error, environ, event)
                    raise
                outcome = "accepted"
                return event
            except Rejected as error:
                refusal = error.with_evidence(event_type, event, partial(mask_write_key, query))
                outcome = refusal.code
                forget_tracebacks(error)
        except Discard:
            outcome = "discarded"
            raise
        except BaseException as raised:
            if ends_the_call_only(raised):
                event = event or {"writeKey": write_key}  # which may have come in Segment's data
                self.reporter.log_failure(
                    "a %s event was not stored", event_type, raised=raised, environ=environ, event=event
                )
            raise
        finally:
            self._outcomes.add(outcome)
        yield from self.reporter.tell(refusal, environ)
        try:
            raise refusal
        finally:
            del refusal  # its traceback has this frame: together they would stay until the collector of cycles runs

    def refuse(self, event_type: str, environ: WSGIEnvironment, code: str, message: str) -> Rejected:
        """Refuse a request that cannot be an event, such as a POST; ``on_reject`` is called with the refusal.

        :return: the refusal, for the reply.
        """
        return run_calls(self.refusal_steps(event_type, environ, code, message))

    def refusal_steps(
        self, event_type: str, environ: WSGIEnvironment, code: str, message: str
    ) -> Generator[Call, Any, Rejected]:
        """:meth:`refuse` in steps, as :meth:`steps`."""
        query = partial(mask_write_key, environ.get("QUERY_STRING", ""))
        refusal = Rejected(code, message, event_type=event_type, query=query)
        self._outcomes.add(code)
        yield from self.reporter.tell(refusal, environ)
        return refusal

    def stats(self) -> dict[str, int]:
        """How many requests this process has seen end as ``accepted``, ``discarded`` or under a refusal's code.

        If the sink has ``stats()`` with a figure ``repeated``, as those have that
        store each event once, that is there too: how many of the accepted events
        the sink had already.
        """
        repeated = figure_of(self.sink, "repeated")
        counts = self._outcomes.counts()
        return counts if repeated is None else {**counts, "repeated": repeated}

    def _ask_for_source(self, write_key: Any) -> Generator[Call, Any, str | None]:
        if not self._key_checker.needs_look_up(write_key):
            return None
        return self._key_checker.source_of((yield self._key_checker.look_up, (write_key,)))

    def _require_json(self, event: Event) -> None:
        """Look at what enrichers of the user's left.

        :raises TypeError: if it is not JSON.
        """
        if fault := find_non_json(event):
            path, what = fault
            raise TypeError(f"what the enrichers left is not JSON: {join_name(path) or 'the event'} is {what}")
