"""Tells a sink from the factory of an application, which takes one argument as well, by what its first call returns."""

from __future__ import annotations

from typing import Any

from ..events import Event
from ..sinks.base import Unavailable
from .application import find_collectors


class FirstCall:
    """A sink that stands for the plain callable *sink*, and looks at what the first call of it returns.

    A factory such as ``create_app(config=None)`` makes an application of any event, and stores none. So a call that
    returns an application has taken nothing, and none is made after it.

    :param name: ``MODULE:NAME``, for the error.
    :param remedy: what to give instead, for the error.
    """

    def __init__(self, name: str, sink: Any, remedy: str) -> None:
        self._name = name
        self._remedy = remedy
        self._sink = sink
        self._is_over = False
        self._fault = ""

    def __call__(self, event: Event) -> object:
        """Call the sink with *event*.

        :raises Unavailable: if it is a factory, so that the event stays; :meth:`check` has the words.
        """
        if self._fault:
            raise Unavailable(self._fault)
        returned = self._sink(event)
        if not self._is_over:
            self._is_over = True
            if returned is not self._sink and _is_application(returned):
                self._fault = f"a call of it stores nothing: it returns an application, {returned!r:.100}"
                raise Unavailable(self._fault)
        return returned

    def __getattr__(self, name: str) -> Any:  # such as ``close``
        return getattr(self._sink, name)

    def __repr__(self) -> str:
        return repr(self._sink)

    def check(self) -> None:
        """Check that the sink is none of those.

        :raises ValueError: if it is; the message says what to give instead.
        """
        if self._fault:
            found = f"--sink is {self._name!r}: that is {self._sink!r:.100}"
            raise ValueError(f"{found}, and no sink ({self._fault}): {self._remedy}")


def _is_application(returned: Any) -> bool:
    """Return True for an application. What a sink returns is nothing, or at least nothing to be called."""
    return callable(returned) or callable(getattr(type(returned), "wsgi_app", None)) or bool(find_collectors(returned))
