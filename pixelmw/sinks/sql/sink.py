"""A sink that stores events in a table of PostgreSQL, MariaDB, MySQL or SQLite."""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Mapping, Sequence
from operator import itemgetter
from typing import Any

try:
    from sqlalchemy import create_engine
    from sqlalchemy.engine import URL, Connection, Engine
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.pool import NullPool, Pool
except ImportError as error:
    raise ImportError("pixelmw.sinks.sql needs SQLAlchemy 2: pip install pixelmw[sql]") from error

from ...events import Event
from ...system.addresses import count_addresses
from ...system.close_when_idle import CloseWhenIdle
from ...system.fork import PerProcess
from ..base import BatchSink, PartialFailure, Unavailable, Undeliverable
from ..encoding import encode_each
from ..errors import SinkError
from ..insertion import insert_rows, insert_what_is_kept, may_lose_rows
from ..repeats import RepeatCounter, StoreStats
from ..rows import Row
from ..statement import SKIP_REPEATED_KEY, TOO_MUCH, refuse_larger, row_maker, split_by_statement
from .drivers import bounds_statements, changes_of, dispose, timeout_arguments
from .lost import answers, is_lost
from .packets import most_bytes
from .patience import connect_in_time, within
from .poolers import bound_statements
from .table import create_table, make_table
from .url import check_driver, parse_url
from .verdicts import encoding, verdict

# The share of the time that a statement gets without more ado. To give it less costs a round trip.
_MUCH_LEFT = 0.9
#: Seconds after which a connection is made anew. Load balancers and NAT gateways forget one that was idle for 240 s or
#: more, and some do not say so; and the name of the server may lead to another one by then.
MAX_AGE = 180


class SQL(BatchSink):
    """Stores each event as a row, which is committed when the call returns.

    The columns are ``message_id`` (the primary key), ``type``, ``event``,
    ``user_id``, ``anonymous_id``, ``received_at`` and ``body``, the whole event
    as JSON (``JSONB`` on PostgreSQL). No event can name a column. If the table
    is missing, the first event creates it. If it is there, the rights to INSERT
    and SELECT are enough; MariaDB and MySQL also need UPDATE.

    A committed row survives a power cut if the server is set up for that:
    PostgreSQL with ``synchronous_commit=on`` and ``fsync=on``, MariaDB and MySQL
    with ``innodb_flush_log_at_trx_commit=1``, SQLite with ``synchronous=FULL``.
    These are the defaults. A batch is one transaction. A repeated messageId is
    stored once: the first event stays. So it is safe to send an event again
    when it is not known whether it was stored.

    Some messageIds cannot be a key as they are: those longer than 255
    characters, with a space at the end, with NUL, or beginning with
    ``sha256:``. The key is then ``sha256:`` and a hash; the body has the
    original. PostgreSQL's JSONB cannot hold NUL, so an event with NUL is
    undeliverable there. A row that is not there after it was inserted, since a
    trigger or a rule swallows it, is refused: ``SinkError``. On MariaDB and MySQL,
    so is one that collides in another unique index.

    Each process opens its own connections when it needs them. For an SQLite
    file, :class:`~pixelmw.sinks.SQLite` does the same, faster, and without SQLAlchemy.

    :param url_or_engine: SQLAlchemy's URL of a database, with a driver that is
        not async. With the drivers psycopg, psycopg2, PyMySQL, mysqlclient,
        MariaDB Connector and sqlite3, *timeout* applies to connecting and to
        each statement, unless the URL sets a timeout itself. With another
        driver, set timeouts in the URL. Or an ``Engine``: its pool and its
        timeouts stay yours, and the sink never closes it.
    :param table: a plain name, or ``schema.table``.
    :param timeout: seconds to wait for a free connection, to connect (to all
        addresses of the host together), and for each statement. Most drivers round up to whole seconds, PostgreSQL's to
        at least two. These drivers do not notice when a server falls silent
        within a statement. The server itself ends a statement that takes too
        long; if its host is gone, TCP notices after two or three timeouts.
    :raises PartialFailure: when called with a batch, if some events are not
        JSON or have no messageId; all others were stored.
    :raises Undeliverable: when called with such an event, or if the database refuses the data.
    :raises Unavailable: when called, if the database cannot be reached, is
        busy, or refuses for another reason, such as a missing right.
    """

    lanes = 2  # a row that another connection has locked holds up one of them

    def __init__(
        self, url_or_engine: str | URL | Engine, table: str = "pixel_events", *, timeout: float = 10.0
    ) -> None:
        if timeout <= 0:
            raise ValueError(f"timeout={timeout!r} is not a time to wait")
        self.timeout = timeout
        self._callers_engine = url_or_engine if isinstance(url_or_engine, Engine) else None
        self._url = url_or_engine.url if isinstance(url_or_engine, Engine) else parse_url(url_or_engine)
        backend = self._url.get_backend_name()
        if backend not in SKIP_REPEATED_KEY:
            raise ValueError(f"{backend} is not supported; these are: {', '.join(SKIP_REPEATED_KEY)}")
        if self._callers_engine is None:
            check_driver(self._url)
        # Without its password, and of its query the servers only, since some drivers take a password there too.
        servers = {name: self._url.query[name] for name in ("host", "port", "unix_socket") if name in self._url.query}
        self._display_url = self._url.set(query=servers).render_as_string(hide_password=True)
        self._table = make_table(table)
        self._table_exists = self._may_lose_rows = False
        self._row_of = row_maker(backend)
        self._repeats = RepeatCounter()
        self._engines = PerProcess(self._make_engine, abandon=self._abandon)
        self._abandoned_pools: list[Pool] = []
        if self._callers_engine is not None:
            self._engines.get()  # so that a child process knows that it inherited this engine

    @property
    def table(self) -> str:
        """The name of the table, with its schema if one was given."""
        return self._table.fullname

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._display_url!r}, table={self._table.fullname!r})"

    def write(self, events: Sequence[Event]) -> None:
        """Store all of *events* in one transaction, except those that the failure names."""
        deadline = time.monotonic() + self.timeout
        rows, unfit = encode_each(self._row_of, events)
        refused: dict[int, SinkError] = {**unfit}
        if rows:
            try:
                refused |= self._store(rows, deadline)
            except SQLAlchemyError as error:
                # Without its cause, which has the statement and the events.
                raise self._as_sink_error(error, events, rows.values(), deadline) from None
            except UnicodeError:  # its words may hold a part of the password
                raise Unavailable(f"{self._display_url}: the host, the user or the password cannot be sent") from None
        if refused:
            raise PartialFailure(refused)

    def stats(self) -> StoreStats:
        """Return the figures of this process; :class:`StoreStats` says what each means.

        On MariaDB and MySQL, an event that two clients send at the same moment is not counted.
        """
        return self._repeats.stats()

    def close(self, timeout: float | None = None) -> None:
        """Close the connections; the next event opens new ones. An engine of the caller's stays open."""
        if self._callers_engine is None and (engine := self._engines.pop()) is not None:
            engine.close()

    def _store(self, rows: Mapping[int, Row], deadline: float) -> dict[int, SinkError]:
        """Store *rows*; returns the errors of those that the server does not take, by their places."""
        with self._engines.get() as engine, within(deadline):
            if not self._table_exists:
                self._look_at_table(engine)
            refused: dict[int, SinkError] = {}

            def insert(rows: Mapping[int, Row]) -> None:
                refused.update(self._insert(engine, rows, deadline))

            return refused | insert_what_is_kept(insert, rows, f"{self._display_url}: the table {self.table}")

    def _insert(self, engine: Engine, rows: Mapping[int, Row], deadline: float) -> dict[int, Undeliverable]:
        """Store *rows* in one transaction; returns what is too large for the server, by the place of the row."""
        dialect = engine.dialect
        name = dialect.identifier_preparer.format_table(self._table)
        repeated = 0
        with engine.begin() as connection:
            most = most_bytes(connection)
            refused = refuse_larger(rows, most)
            # Transactions that add the same keys in the same order wait for each other, but do not deadlock.
            fitting = sorted((row for place, row in rows.items() if place not in refused), key=itemgetter(0))
            for part in split_by_statement(fitting, dialect.insertmanyvalues_max_parameters, most):
                self._bound_statements(connection, deadline)
                with encoding(self._display_url):
                    repeated += insert_rows(
                        connection.exec_driver_sql,
                        name,
                        part,
                        backend=dialect.name,
                        placeholder="%s" if dialect.paramstyle in ("format", "pyformat") else "?",
                        always_look=self._may_lose_rows,
                        changes=changes_of(connection),
                    )
        self._repeats.add(repeated)
        return refused

    def _bound_statements(self, connection: Connection, deadline: float) -> None:
        """Leave what is left of the time to the next statements, if much of it is over."""
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise Unavailable(f"{self._display_url}: nothing was stored within {self.timeout:g} seconds")
        is_ours = self._callers_engine is None and connection.dialect.name == "postgresql"
        if is_ours and remaining < _MUCH_LEFT * self.timeout:
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = {math.ceil(1000 * remaining)}")

    def _look_at_table(self, engine: Engine) -> None:
        """Create the table if it is not there, and see whether rows that were inserted may be taken away again."""
        create_table(engine, self._table)
        name = engine.dialect.identifier_preparer.format_table(self._table)
        with engine.connect() as connection:
            self._may_lose_rows = may_lose_rows(
                connection.exec_driver_sql,
                name,
                engine.dialect.name,
                schema=self._table.schema,
                name=self._table.name,
            )
        self._table_exists = True

    def _as_sink_error(
        self, error: SQLAlchemyError, events: Sequence[Event], rows: Collection[Row], deadline: float
    ) -> Exception:
        judged = verdict(error, self.table, events)
        if isinstance(judged, Unavailable):
            # The table may have been dropped, or the server may have become a replica.
            self._table_exists = False
            self.close()
            is_early = deadline - time.monotonic() > self.timeout / 2  # later, it was the time that was too short
            if is_early and is_lost(error, rows) and answers(self._engines.get()):
                judged = SinkError(TOO_MUCH)
        return type(judged)(f"{self._display_url}: {judged}")

    def _make_engine(self) -> CloseWhenIdle[Engine]:
        if self._callers_engine is not None:
            return CloseWhenIdle(self._callers_engine, close=dispose)
        settings: dict[str, Any] = {"pool_pre_ping": True, "pool_recycle": MAX_AGE, "pool_timeout": self.timeout}
        if self._url.get_backend_name() == "sqlite":
            settings = {"poolclass": NullPool}  # a connection that is kept would write to a file that was deleted
        driver, query = self._url.get_driver_name(), self._url.query
        addresses = count_addresses(self._url.host, self._url.port)
        arguments = timeout_arguments(driver, query, self.timeout, addresses=addresses)
        engine = create_engine(self._url, connect_args=arguments, hide_parameters=True, **settings)
        connect_in_time(engine, f"{self._display_url}: nothing answered within {self.timeout:g} seconds")
        if bounds_statements(driver, query):
            bound_statements(engine, self.timeout)
        return CloseWhenIdle(engine, close=dispose)

    def _abandon(self, engine: CloseWhenIdle[Engine]) -> None:
        """In a child process, leave the connections of the caller's engine to the parent, which still uses them."""
        if engine.value is self._callers_engine:
            # Kept, since some drivers say goodbye to the server when a connection is destroyed.
            self._abandoned_pools.append(engine.value.pool)
            engine.value.dispose(close=False)
