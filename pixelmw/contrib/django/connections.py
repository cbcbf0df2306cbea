"""Database connections of sinks that use the ORM: which are closed, and what their errors mean for a delivery.

Django closes old connections when a request begins and when it ends. A thread of
a Spool or a Background has no requests, and middleware outside Django answers
before they begin. Hence these rules, for each call of the sink:

1. A connection within an ``atomic`` block is never touched. It belongs to
   whoever opened the block, as in a ``TestCase``. Nor is one that threads
   share, as those of a ``LiveServerTestCase`` do.
2. A connection that was open before belongs to whoever opened it. It is closed
   only if it failed before and no longer works.
3. A connection that the call opened is ours. It is closed when Django would
   close it, before and after each call: ``CONN_MAX_AGE``, ``CONN_HEALTH_CHECKS``.
   If it is still open when its thread ends, it is closed then. In a test run, it
   is closed after each call: PostgreSQL does not drop a test database that a
   thread is connected to. What tells a test run is ``django.core.mail.outbox``.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from django.core import mail
from django.db import InterfaceError, OperationalError, connections

from ...events import Event, Sink
from ...sinks.base import BatchSink, PartialFailure, Unavailable, batch_writer, check_of, checked_sink, close_sink
from ...sinks.data_errors import is_data_error
from ...system.callables import raise_if_unfinished


class _Ours:
    """A connection of the driver that a call opened. It is closed when the thread ends that this belongs to."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self._pid = os.getpid()

    def __del__(self) -> None:
        # A fork ends the other threads in the child, where the connection is still the parent's.
        if self.connection is not None and self._pid == os.getpid():
            with suppress(Exception):  # it is closed already, or the server is gone
                self.connection.close()


class _OursInThread(threading.local):
    """The connections of ours in this thread, by the aliases of their databases."""

    def __init__(self) -> None:
        self.by_alias: dict[str, _Ours] = {}

    def has(self, connection: Any) -> bool:
        """Whether *connection*, Django's, holds one of ours."""
        ours = self.by_alias.get(connection.alias)
        return ours is not None and ours.connection is connection.connection

    def close_old(self, connection: Any) -> None:
        """Close *connection*, Django's, which holds one of ours, if Django would."""
        if hasattr(mail, "outbox"):
            connection.close()
        else:
            connection.close_if_unusable_or_obsolete()
        if connection.connection is None:
            # Django has closed the driver's, or given it back to a pool, where another thread may have it by now.
            self.by_alias.pop(connection.alias).connection = None


_ours = _OursInThread()


def with_connections(sink: Sink) -> BatchSink:
    """Return a sink that calls *sink*, which uses the ORM, and looks after the database connections.

    It closes stale connections, also in the threads of a
    :class:`~pixelmw.delivery.Spool` or :class:`~pixelmw.delivery.Background`,
    so that *sink* works again after a restart of the database. Connections in
    an ``atomic`` block, and those that somebody else opened and that work, stay
    open; so a test keeps its own. ``flush`` and ``close`` are passed on.

    :raises TypeError: if *sink* is not callable, a class, an ``async def`` or a generator function.
    :raises Unavailable: when called, if the database failed (``OperationalError``,
        ``InterfaceError``), so that a delivery tries again.
    :raises Exception: when called, whatever else *sink* raised.
    """
    return _WithConnections(sink)


class _WithConnections(BatchSink):
    lanes = None  # the sink has its own

    def __init__(self, sink: Sink) -> None:
        self._sink = checked_sink("sink", sink)
        self._write = batch_writer(sink)

    def __repr__(self) -> str:
        return f"with_connections({self._sink!r})"

    def __call__(self, event: Event) -> None:
        with connections_of_ours(), database_errors_as_unavailable():
            raise_if_unfinished("sink", self._sink, self._sink(event))

    def write(self, events: Sequence[Event]) -> None:
        """Store *events*, as *sink* does."""
        with connections_of_ours(), database_errors_as_unavailable():
            self._write(events)

    def check(self, event: Event, encoded: bytes) -> None:
        """Ask the ``check`` of *sink*, if it has one."""
        if (check := check_of(self._sink)) is not None:
            check(event, encoded)

    def flush(self, timeout: float | None = None) -> bool:
        """Flush *sink*, if it can be flushed."""
        flush = getattr(self._sink, "flush", None)
        return bool(flush(timeout)) if callable(flush) else True

    def close(self, timeout: float | None = None) -> None:
        """Close *sink*, if it can be closed."""
        close_sink(self._sink, timeout)


@contextmanager
def connections_of_ours() -> Iterator[None]:
    """Close old connections before and after the block, by the rules of this module."""
    for connection in _closable():
        if _ours.has(connection):
            _ours.close_old(connection)
        elif connection.errors_occurred and not connection.is_usable():
            connection.close()
    before = {connection.alias: connection.connection for connection in connections.all(initialized_only=True)}
    try:
        yield
    finally:
        for connection in _closable():
            if before.get(connection.alias) is not connection.connection:
                _ours.by_alias[connection.alias] = _Ours(connection.connection)
            if _ours.has(connection):
                _ours.close_old(connection)


def _closable() -> Iterator[Any]:
    """The open connections that belong to this thread alone, and that no ``atomic`` block holds."""
    for connection in connections.all(initialized_only=True):
        if not (connection.connection is None or connection.in_atomic_block or connection.allow_thread_sharing):
            yield connection


@contextmanager
def database_errors_as_unavailable() -> Iterator[None]:
    """Raise :class:`Unavailable` for an error that says that the database did not do it now, also within a batch."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        if _is_of_the_data(error):
            raise
        raise Unavailable(first_line(error)) from error
    except PartialFailure as failure:
        raise PartialFailure({place: _translated(error) for place, error in failure.failures.items()}) from failure


def _translated(error: Exception | None) -> Exception | None:
    if not isinstance(error, OperationalError | InterfaceError) or _is_of_the_data(error):
        return error
    unavailable = Unavailable(first_line(error))
    unavailable.__cause__ = error
    return unavailable


def _is_of_the_data(error: Exception) -> bool:
    return is_data_error(error.__cause__)


def first_line(error: Exception) -> str:
    """What a database says, without the lines that may quote the event."""
    cause = error.__cause__ or error
    return str(cause).strip().partition("\n")[0] or type(error).__name__
