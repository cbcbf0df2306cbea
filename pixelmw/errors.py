"""The two ways in which a request ends without an event: refused, or discarded on purpose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

#: Every code a refusal can carry, with the HTTP status that goes with it.
STATUS = {
    "bad-query": 400,
    "invalid": 400,
    "unauthorized": 401,
    "bad-method": 405,
    "too-large": 414,
    "unavailable": 503,
}


class Rejected(Exception):
    """A request that was refused, with the evidence.

    :ivar code: what went wrong, one of the keys of :data:`STATUS`.
    :ivar status: the HTTP status that belongs to the code.
    :ivar message: one sentence that names the parameter and the rule; quotes
        at most 64 characters of the value, and never a write key.
    :ivar path: the dotted parameter at fault, as a URL spells it, or ``None``.
    :ivar rule: the rule that refused it: a JSON Schema keyword, or the name
        of the limit; ``None`` where the code says it all.
    :ivar event_type: ``"page"``, ``"track"`` and so on.
    :ivar event: the event as far as it was built, or ``None``.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        path: str | None = None,
        rule: str | None = None,
        event_type: str | None = None,
        event: dict[str, Any] | None = None,
        query: str | Callable[[], str] = "",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = STATUS[code]
        self.message = message
        self.path = path
        self.rule = rule
        self.event_type = event_type
        self.event = event
        self._query = query

    @property
    def query(self) -> str:
        """The raw query string, with the write key masked; worked out when somebody looks."""
        if callable(self._query):
            self._query = self._query()
        return self._query

    @query.setter
    def query(self, query: str | Callable[[], str]) -> None:
        self._query = query


class Discard(Exception):
    """Raised by an enricher: answer as if the event were accepted, and store nothing."""
