"""Has no connection made after the time of a ``write`` is over.

SQLAlchemy asks whether a kept connection still works, and makes another one if it does not. Where a server has fallen
silent, the question takes the whole time, and to connect would take it once more.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from ..errors import Unavailable

_deadline: ContextVar[float] = ContextVar("pixelmw_sql_deadline", default=math.inf)  # on the monotonic clock


@contextmanager
def within(deadline: float) -> Iterator[None]:
    """Let the engines of :func:`connect_in_time` make connections within the block until *deadline* only.

    :param deadline: on the monotonic clock.
    """
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


def connect_in_time(engine: Engine, words: str) -> None:
    """Have *engine* raise :class:`Unavailable` with *words* instead of connecting too late."""

    def on_connect(dialect: Any, record: Any, arguments: Any, options: Any) -> None:
        if time.monotonic() >= _deadline.get():
            raise Unavailable(words) from None

    event.listen(engine, "do_connect", on_connect)
