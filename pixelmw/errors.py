"""The two ways in which a request ends without an event: it is refused, or it is discarded on purpose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

#: Every code that a refusal can have, and the HTTP status that goes with it.
STATUS_OF_CODE = {
    "bad-query": 400,
    "invalid": 400,
    "unauthorized": 401,
    "forged": 403,
    "bad-method": 405,
    "expired": 410,
    "too-large": 414,
    "undeliverable": 422,
    "unavailable": 503,
}


class Rejected(Exception):
    """A request that was refused, with the evidence.

    An enricher refuses an event with ``raise Rejected(code, message, path=...)``.
    The collector then adds the event type, the event and the query.

    :ivar message: one sentence that names the parameter and the rule. It quotes
        at most 64 characters of the value, and never a write key.
    :ivar path: the dotted name of the parameter at fault, as a URL spells it, or ``None``.
    :ivar rule: the rule that the parameter broke: a JSON Schema keyword, or the
        name of a limit. ``None`` if the code says it all.
    :ivar event_type: ``"page"``, ``"track"`` and so on.
    :ivar event: the event as far as it was built, or ``None``.
    :ivar planned_name: the name that a tracking plan has for the event, or
        ``None``. Unlike the name in the event, it is no value of the visitor's.
    :raises ValueError: if *code* is unknown, also if it is set later.
    :raises TypeError: if *message* is no string.
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
        if not isinstance(message, str):
            raise TypeError(f"message is {message!r}: give a sentence")
        self.code = code
        self.message = message
        self.path = path
        self.rule = rule
        self.event_type = event_type
        self.event = event
        self.planned_name: str | None = None
        self._query = query

    @property
    def code(self) -> str:
        """What went wrong, one of the keys of :data:`STATUS_OF_CODE`."""
        return self._code

    @code.setter
    def code(self, code: str) -> None:
        self._code = _checked_code(code)

    @property
    def status(self) -> int:
        """The HTTP status that belongs to the code."""
        return STATUS_OF_CODE[self.code]

    @property
    def query(self) -> str:
        """The raw query string, with the write key masked. A callable that makes it is called when it is first read."""
        if callable(self._query):
            self._query = self._query()
        return self._query

    def with_evidence(self, event_type: str, event: dict[str, Any] | None, query: str | Callable[[], str]) -> Self:
        """A copy of this refusal that also says which request was refused.

        It is a copy, because an enricher may raise one and the same instance
        in several threads at once, and then each request needs evidence of its
        own. The copy has the class, the attributes, the cause and the traceback
        of the original.

        :raises ValueError: if a subclass has a code of its own.
        :raises TypeError: if a subclass does not call ``Rejected.__init__``.
        """
        if not hasattr(self, "rule"):
            raise TypeError(f"{type(self).__qualname__} does not call Rejected.__init__")
        _checked_code(self.code)
        copied = Exception.__new__(type(self), *self.args)  # __init__ of a subclass may take other arguments
        copied.__dict__.update(self.__dict__)
        copied.event_type, copied.event, copied._query = event_type, event, query
        copied.__cause__, copied.__context__ = self.__cause__, self.__context__
        copied.__suppress_context__ = self.__suppress_context__
        return copied.with_traceback(self.__traceback__)


def _checked_code(code: str) -> str:
    if code not in STATUS_OF_CODE:
        raise ValueError(f"unknown code {code!r}; known are {', '.join(STATUS_OF_CODE)}")
    return code


class Discard(Exception):
    """Raised by an enricher: the request is answered as if the event were accepted, and nothing is stored."""
