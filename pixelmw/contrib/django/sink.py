"""A sink that stores events as rows of the model :class:`~pixelmw.contrib.django.models.PixelEvent`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    connections,
    router,
)

from ...events import Event
from ...sinks.base import BatchSink, PartialFailure, SinkError, Unavailable, Undeliverable
from ...sinks.data_errors import data_words, is_data_error, is_of_a_rule
from ...sinks.encoding import encode_each
from ...sinks.insertion import insert_what_is_kept
from ...sinks.repeats import RepeatCounter, StoreStats
from ...sinks.rows import Row
from ...sinks.statement import SKIP_REPEATED_KEY, TOO_MUCH, row_maker
from ...sinks.words import server_words
from ...system.fork import ForkSafeLock
from .connections import connections_of_ours
from .insertion import (
    MAX_WAIT,
    insert,
    insert_past_readers,
    is_lost,
    is_too_much,
    leave_replica,
    may_lose_rows_of,
    stale_at_most,
)


class ModelSink(BatchSink):
    """Stores each event as a row of the model ``PixelEvent``, which is committed when the call returns.

    ::

        PIXELMW = {"SINK": "pixelmw.contrib.django.ModelSink"}

    It needs ``pixelmw.contrib.django`` in ``INSTALLED_APPS``, and ``manage.py
    migrate``. For SQLite, PostgreSQL, MariaDB and MySQL. A batch is one
    transaction. A repeated messageId is stored once: the first event stays.
    Which messageIds are stored as a hash, and what PostgreSQL cannot hold,
    is as with :class:`pixelmw.sinks.sql.SQL`.

    It may be called in any thread, also behind a
    :class:`~pixelmw.delivery.Spool` or a :class:`~pixelmw.delivery.Background`.
    Database connections are looked after as by :func:`with_connections`. If one
    turns out to be dead, the events are stored on a new one.

    :param using: the alias of the database; ``None`` for the one that the
        project's routers choose.
    :raises PartialFailure: when called with a batch, if some events are not
        JSON or have no messageId; all others were stored.
    :raises Undeliverable: when called with such an event, or if the database refuses the data.
    :raises Unavailable: when called, if the database cannot be reached, is busy, or refuses for another reason.
    :raises RuntimeError: when called within an ``atomic`` block, which could still undo what was
        stored. The one of a ``TestCase`` is no obstacle.
    :raises ImproperlyConfigured: without the application or the database *using*, or for another
        kind of database. In the settings, where Django cannot say yet, this is raised when it is called.
    """

    def __init__(self, *, using: str | None = None) -> None:
        self.using = using
        self._turn = ForkSafeLock()
        self._repeats = RepeatCounter()
        self._may_lose_rows: dict[str, bool] = {}  # by the alias of a database
        if apps.ready:
            self._connection()

    def __repr__(self) -> str:
        return f"{type(self).__name__}()" if self.using is None else f"{type(self).__name__}(using={self.using!r})"

    def __call__(self, event: Event) -> None:
        """Store *event* in the thread that calls, to which Django's transactions and connections belong.

        :raises Exception: as :meth:`write` does for this event.
        """
        try:
            self._write([event])
        except PartialFailure as failure:
            raise (failure.failures[0] or failure) from None

    def write(self, events: Sequence[Event]) -> None:
        """Store all of *events* in one transaction, except those that the failure names."""
        self._write(events)

    def _write(self, events: Sequence[Event]) -> None:
        connection = self._connection()
        rows, unfit = encode_each(row_maker(connection.vendor), events)
        refused: dict[int, SinkError] = {**unfit}
        table = _model()._meta.db_table

        def store(rows: Mapping[int, Row]) -> None:
            # In the same order everywhere, so that transactions wait for each other instead of deadlocking.
            ordered = sorted(rows.values(), key=itemgetter(0))
            self._repeats.add(self._store(connection, connection.ops.quote_name(table), ordered))

        with connections_of_ours():
            try:
                refused |= insert_what_is_kept(store, rows, f"the database {connection.alias!r}: the table {table}")
            except (DatabaseError, InterfaceError) as error:
                self._may_lose_rows.clear()
                leave_replica(connection, error)
                # Without its cause, which may quote the row.
                raise _as_sink_error(connection.alias, error, events) from None
        if refused:
            raise PartialFailure(refused)

    def stats(self) -> StoreStats:
        """Return the figures of this process; :class:`~pixelmw.sinks.StoreStats` says what each means.

        On MariaDB and MySQL, an event that two clients send at the same moment is not counted.
        """
        return self._repeats.stats()

    def _connection(self) -> Any:
        """This thread's connection to the database, which may not be open."""
        model = _model()
        alias = self.using or router.db_for_write(model)
        if alias not in connections:
            raise ImproperlyConfigured(f"DATABASES has no {alias!r} for ModelSink; known are {', '.join(connections)}")
        connection = connections[alias]
        if connection.vendor not in SKIP_REPEATED_KEY:
            known = ", ".join(SKIP_REPEATED_KEY)
            raise ImproperlyConfigured(f"the database {alias!r} is {connection.vendor}; ModelSink knows {known}")
        return connection

    def _store(self, connection: Any, table: str, rows: list[Row]) -> int:
        """Store *rows*, on another connection if one has died; returns how many were there already."""
        long_ago = time.monotonic() + self.timeout / 2  # whoever is cut off then has taken too long
        stale = stale_at_most(connection)
        while True:
            connection.ensure_connection()
            taken = connection.connection
            try:
                return self._insert_in_turn(connection, table, rows)
            except (OperationalError, InterfaceError) as error:
                if time.monotonic() > long_ago or not is_lost(connection, taken, error):
                    raise
                if not stale:
                    if is_too_much(connection, rows):
                        raise SinkError(f"the database {connection.alias!r}: {TOO_MUCH}") from None
                    raise
                stale -= 1
                if connection.connection is taken:
                    connection.close()

    def _insert_in_turn(self, connection: Any, table: str, rows: list[Row]) -> int:
        if connection.vendor != "sqlite":
            alias = connection.alias
            if alias not in self._may_lose_rows:
                self._may_lose_rows[alias] = may_lose_rows_of(connection, table)
            return insert(connection, table, rows, always_look=self._may_lose_rows[alias])
        # SQLite takes one writer at a time. Its own waiting is a poll, in which a thread may go away empty-handed while
        # others come again and again. The threads of a LiveServerTestCase even share one connection, and each would
        # take the transaction of another for its own.
        if not self._turn.acquire(MAX_WAIT):
            raise OperationalError("other threads have kept the database busy")
        try:
            return insert_past_readers(connection, table, rows)
        finally:
            self._turn.release()


def _as_sink_error(alias: str, error: Exception, events: Sequence[Event]) -> SinkError:
    cause = error.__cause__ or error
    named = f"the database {alias!r}"
    if is_of_a_rule(cause):
        return SinkError(f"{named}: a rule of its own refuses the row: {data_words(cause, events)}")
    if isinstance(error, DataError | IntegrityError) or is_data_error(cause):
        return Undeliverable(f"{named}: {data_words(cause, events)}")
    return Unavailable(f"{named}: {server_words(str(cause), events) or type(error).__name__}")


def _model() -> Any:
    try:
        return apps.get_model("pixelmw", "PixelEvent")
    except LookupError as error:
        raise ImproperlyConfigured('ModelSink needs "pixelmw.contrib.django" in INSTALLED_APPS') from error
