"""The enrichers of a collector, in their order: which are the user's, and how each is called."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import TYPE_CHECKING, Any

from ..system.callables import Call, checked_callable, raise_if_unfinished
from .anonymize import anonymize_ip
from .client import client_context

if TYPE_CHECKING:
    from ..request import LazyRequest

# What these leave is JSON, as the query is.
_OURS = (client_context, anonymize_ip)


class EnricherSequence:
    """Enrichers, as they were given.

    :raises TypeError: if *enrich* is no iterable, or holds what cannot enrich an event.
    :ivar enrichers: all of them.
    :ivar has_the_users: whether some are the user's. What these leave need not be JSON.
    """

    def __init__(self, enrich: Iterable[Callable[..., object]]) -> None:
        if callable(enrich) or not isinstance(enrich, Iterable):
            raise TypeError(f"enrich is {enrich!r}: give a list of callables, even for one")
        remedy = "a callable that takes an event and a request"
        self.enrichers = tuple(checked_callable("an enricher", enricher, remedy) for enricher in enrich)
        self.has_the_users = any(enricher not in _OURS for enricher in self.enrichers)

    def run(self, event: dict[str, Any], request: LazyRequest) -> None:
        """Call all of them here, which is for a sequence without any of the user's."""
        for enrich in self.enrichers:
            enrich(event, request)

    def steps(self, event: dict[str, Any], request: LazyRequest) -> Generator[Call, Any, None]:
        """Call ours here, and yield the calls of the user's."""
        for enrich in self.enrichers:
            if enrich in _OURS:
                enrich(event, request)
            elif (result := (yield enrich, (event, request))) is not None:
                raise_if_unfinished("an enricher", enrich, result)
