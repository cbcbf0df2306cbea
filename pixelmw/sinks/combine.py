"""Sinks made of sinks."""

from __future__ import annotations

import copy
import logging

from ..events import Event, Sink

logger = logging.getLogger("pixelmw")


def fan_out(*sinks: Sink) -> Sink:
    """A sink that gives each of *sinks* a copy of the event of its own.

    All are tried, in order. A client that is told of a failure may send the
    event again, and those that had stored it get it twice; messageId tells.

    :raises ExceptionGroup: when called, with all that the sinks raised.
    :raises ValueError: where there are no sinks.
    """
    if not sinks:
        raise ValueError("fan_out needs at least one sink")

    def store(event: Event) -> None:
        errors = []
        for sink in sinks:
            try:
                sink(copy.deepcopy(event))
            except Exception as error:
                errors.append(error)
        if errors:
            raise ExceptionGroup(f"{len(errors)} of {len(sinks)} sinks failed", errors)

    return store


def fallback(primary: Sink, secondary: Sink) -> Sink:
    """A sink that gives the event to *secondary* where *primary* raises, and logs why.

    :raises Exception: when called, what *secondary* raised, with what *primary*
        raised as its context.
    """

    def store(event: Event) -> None:
        try:
            primary(copy.deepcopy(event))
        except Exception:
            logger.warning("%r failed; the event goes to %r", primary, secondary, exc_info=True)
            secondary(event)

    return store
