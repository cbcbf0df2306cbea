"""A sink that stores events as rows of the model :class:`~pixelmw.contrib.django.models.PixelEvent`."""

from __future__ import annotations

import math
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
    transaction,
)

from ...events import Event
from ...sinks.base import BatchSink, PartialFailure, SinkError, Unavailable, Undeliverable
from ...sinks.data_errors import data_words, is_data_error, is_raised_on_purpose
from ...sinks.encoding import encode_each
from ...sinks.insertion import Run, has_triggers, insert_rows, insert_what_is_kept
from ...sinks.repeats import RepeatCounter, StoreStats
from ...sinks.rows import Row
from ...sinks.statement import (
    SKIP_REPEATED_KEY,
    chars_in,
    refuse_larger,
    row_maker,
    split_by_statement,
    values_in_packet,
)
from ...sinks.words import server_words
from ...system.fork import ForkSafeLock
from .connections import connections_of_ours

# The parameters of one statement, for a backend that names no limit. It is PostgreSQL's.
_MAX_PARAMETERS = 65_535
# Django's default for a file of SQLite.
_MAX_WAIT = 5.0  # seconds
_PAUSE = 0.005  # seconds
# No server that anybody runs takes less than four bytes for each of so many: MySQL's lowest default was 1 MiB.
_FEW_CHARS = 100_000


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
        self._has_triggers: dict[str, bool] = {}  # by the alias of a database
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

        def insert(rows: Mapping[int, Row]) -> None:
            # In the same order everywhere, so that transactions wait for each other instead of deadlocking.
            ordered = sorted(rows.values(), key=itemgetter(0))
            self._repeats.add(self._store(connection, connection.ops.quote_name(table), ordered))

        try:
            with connections_of_ours():
                refused |= insert_what_is_kept(insert, rows, f"the database {connection.alias!r}: the table {table}")
        except (DatabaseError, InterfaceError) as error:
            self._has_triggers.clear()
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
        for _ in range(_stale_at_most(connection)):
            connection.ensure_connection()
            taken = connection.connection
            try:
                return self._insert_in_turn(connection, table, rows)
            except (OperationalError, InterfaceError):
                # Django itself may have replaced a connection on which the rollback failed.
                if connection.connection is taken:
                    if connection.is_usable():
                        raise
                    connection.close()
        return self._insert_in_turn(connection, table, rows)

    def _insert_in_turn(self, connection: Any, table: str, rows: list[Row]) -> int:
        if connection.vendor != "sqlite":
            alias = connection.alias
            if alias not in self._has_triggers:
                with connection.cursor() as cursor:
                    self._has_triggers[alias] = has_triggers(_runner(cursor), table, connection.vendor)
            return _insert(connection, table, rows, always_look=self._has_triggers[alias])
        # SQLite takes one writer at a time. Its own waiting is a poll, in which a thread may go away empty-handed while
        # others come again and again. The threads of a LiveServerTestCase even share one connection, and each would
        # take the transaction of another for its own.
        if not self._turn.acquire(_MAX_WAIT):
            raise OperationalError("other threads have kept the database busy")
        try:
            return _insert_past_readers(connection, table, rows)
        finally:
            self._turn.release()


def _stale_at_most(connection: Any) -> int:
    """How many connections that somebody opened earlier *connection* may hold, one after the other."""
    if connection.in_atomic_block:
        return 0
    if (pool := getattr(connection, "pool", None)) is not None:  # PostgreSQL's OPTIONS may have one
        return int(pool.max_size)
    return int(connection.connection is not None)


def _insert_past_readers(connection: Any, table: str, rows: list[Row]) -> int:
    """Insert *rows* also where SQLite's shared cache, of a database in memory, fails instead of waiting."""
    deadline = time.monotonic() + _MAX_WAIT
    while True:
        try:
            return _insert(connection, table, rows)
        except OperationalError as error:
            if "table is locked" not in str(error) or time.monotonic() > deadline:
                raise
        time.sleep(_PAUSE)


def _insert(connection: Any, table: str, rows: list[Row], *, always_look: bool = False) -> int:
    """Insert *rows*, and return how many were there already; the arguments are as for :func:`insert_rows`."""
    max_parameters = connection.features.max_query_params or _MAX_PARAMETERS
    repeated = 0
    with transaction.atomic(using=connection.alias, durable=True), connection.cursor() as cursor:
        most = _most_bytes(connection, cursor, rows)
        for part in split_by_statement(rows, max_parameters, most):
            repeated += insert_rows(
                _runner(cursor), table, part, backend=connection.vendor, placeholder="%s", always_look=always_look
            )
    return repeated


def _runner(cursor: Any) -> Run:
    def run(statement: str, parameters: tuple[str | None, ...]) -> Any:
        cursor.execute(statement, parameters)
        return cursor

    return run


def _most_bytes(connection: Any, cursor: Any, rows: Sequence[Row]) -> float:
    """Return how many bytes of values one statement may have; it is asked only where there are many.

    :raises Undeliverable: if there is a row that does not even fit alone.
    """
    if connection.vendor != "mysql" or sum(map(chars_in, rows)) < _FEW_CHARS:
        return math.inf
    cursor.execute("SELECT @@max_allowed_packet")
    most = values_in_packet(int(cursor.fetchone()[0]))
    for refusal in refuse_larger(dict(enumerate(rows)), most).values():
        raise refusal
    return most


def _as_sink_error(alias: str, error: Exception, events: Sequence[Event]) -> SinkError:
    cause = error.__cause__ or error
    named = f"the database {alias!r}"
    if is_raised_on_purpose(cause):
        return SinkError(f"{named}: a rule of its own refuses the row: {data_words(cause, events)}")
    if isinstance(error, DataError | IntegrityError) or is_data_error(cause):
        return Undeliverable(f"{named}: {data_words(cause, events)}")
    return Unavailable(f"{named}: {server_words(str(cause), events) or type(error).__name__}")


def _model() -> Any:
    try:
        return apps.get_model("pixelmw", "PixelEvent")
    except LookupError as error:
        raise ImproperlyConfigured('ModelSink needs "pixelmw.contrib.django" in INSTALLED_APPS') from error
