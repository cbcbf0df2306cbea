"""A sink that stores events in a table of PostgreSQL, MariaDB, MySQL or SQLite."""

from __future__ import annotations

import re
from collections.abc import Sequence
from operator import itemgetter
from typing import Any

try:
    from sqlalchemy import JSON, Column, MetaData, String, Table, Text, create_engine, inspect
    from sqlalchemy.dialects.mysql import LONGTEXT
    from sqlalchemy.dialects.postgresql import JSONB
    from sqlalchemy.engine import URL, Engine, make_url
    from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, ProgrammingError, SQLAlchemyError
    from sqlalchemy.pool import NullPool, Pool
    from sqlalchemy.schema import CreateTable
except ImportError as error:
    raise ImportError("pixelmw.sinks.sql needs SQLAlchemy 2: pip install pixelmw[sql]") from error

from ...events import Event
from ...system.close_when_idle import CloseWhenIdle
from ...system.fork import PerProcess
from ..base import BatchSink, PartialFailure, Unavailable, Undeliverable
from ..encoding import sort_out
from ..rows import FIELDS, KEY_CHARS, ONCE, Row, insert, parts, row_maker
from .drivers import blames_the_data, connect_args

_NAME = re.compile(r"(?:[A-Za-z_][A-Za-z0-9_]{0,62}\.)?[A-Za-z_][A-Za-z0-9_]{0,62}")


class SQL(BatchSink):
    """Stores each event as a row, committed when this returns.

    The columns are ``message_id`` (the primary key), ``type``, ``event``,
    ``user_id``, ``anonymous_id``, ``received_at`` and ``body``, the whole event
    as JSON (``JSONB`` on PostgreSQL); an event never names one. The table is
    created with the first event where it is missing; where it is there, the
    rights to INSERT and SELECT are enough, on MariaDB with UPDATE.

    What is committed outlives a power cut as far as the server says so:
    PostgreSQL with ``synchronous_commit=on`` and ``fsync=on``, MariaDB and MySQL
    with ``innodb_flush_log_at_trx_commit=1``, SQLite with ``synchronous=FULL``,
    each of them the default. A batch is one transaction. An event whose
    messageId is there already is stored once: the first stays. So an event
    of which nobody knows whether it was stored may be sent again.

    A messageId that the key cannot hold as it is (longer than 255 characters,
    with a space at its end, with NUL, or beginning with ``sha256:``) is stored
    as ``sha256:`` and its hash; the body has the original. PostgreSQL knows no
    NUL in JSONB: there an event with one is undeliverable. On MariaDB and MySQL,
    give the table no other unique index: what collides in any counts as repeated.

    Connections are opened when they are needed, in each process its own. For an
    SQLite file, :class:`~pixelmw.sinks.SQLite` does the same, faster, and without SQLAlchemy.

    :param url_or_engine: SQLAlchemy's URL of a database, with a driver that is
        not async. For the drivers psycopg, psycopg2, PyMySQL, mysqlclient,
        MariaDB Connector and sqlite3, the timeout is applied to connecting and to
        each statement (where the URL sets none itself); with another driver it is for you to
        set. Or an ``Engine``, whose pool, timeouts and end remain yours.
    :param table: a plain name, or ``schema.table``.
    :param timeout: seconds to wait for a free connection, to connect, and for each
        statement. Most drivers round up to whole seconds, PostgreSQL's to two at least. These have no
        clock for a server that falls silent within a statement: the server itself ends the
        statement, and where its host is gone, TCP's probes tell after two or three timeouts.
    :raises PartialFailure: when called with a batch, where events are not JSON
        or have no messageId; all others were stored.
    :raises Undeliverable: when called with such an event, or where the database refuses the data.
    :raises Unavailable: when called, where the database cannot be reached, is busy, or refuses for another reason:
        a right that is missing, say.
    """

    def __init__(
        self, url_or_engine: str | URL | Engine, table: str = "pixel_events", *, timeout: float = 10.0
    ) -> None:
        if timeout <= 0:
            raise ValueError(f"timeout={timeout!r} is not a time to wait")
        self.timeout = timeout
        self._given = url_or_engine if isinstance(url_or_engine, Engine) else None
        self._url = url_or_engine.url if isinstance(url_or_engine, Engine) else _parsed(url_or_engine)
        backend = self._url.get_backend_name()
        if backend not in ONCE:
            raise ValueError(f"{backend} is not supported; these are: {', '.join(ONCE)}")
        if self._given is None:
            _check_driver(self._url)
        # Without its password, and without its query, where drivers take passwords, too.
        self._shown = self._url.set(query={}).render_as_string(hide_password=True)
        self._table = _make_table(table)
        self._table_exists = False
        self._row_of = row_maker(backend)
        self._engines = PerProcess(self._make_engine, abandon=self._leave)
        self._inherited: list[Pool] = []
        if self._given is not None:
            self._engines.get()  # so that a child knows that it inherited this one

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._shown!r}, table={self._table.fullname!r})"

    def write(self, events: Sequence[Event]) -> None:
        """Store all of *events* in one transaction, but for those that the failure names."""
        rows, refused = sort_out(events, self._row_of)
        if rows:
            try:
                self._store(rows)
            except SQLAlchemyError as error:
                # The driver's own error, where there is one: SQLAlchemy's words hold the statement, and the events.
                cause = (error.orig if isinstance(error, DBAPIError) else None) or error
                raise self._translated(error, str(cause)) from cause
            except UnicodeError as error:  # the connection of an engine that was given may not know all characters
                raise Undeliverable(str(error)) from error
        if refused:
            raise PartialFailure(refused)

    def close(self, timeout: float | None = None) -> None:
        """Close the connections; the next event opens new ones. An engine that was given is left alone."""
        if self._given is None and (shared := self._engines.pop()) is not None:
            shared.close()

    def _store(self, rows: list[Row]) -> None:
        # Transactions that add the same keys in one order wait for each other, but do not deadlock.
        rows.sort(key=itemgetter(0))
        with self._engines.get() as engine:
            if not self._table_exists:
                self._create_table(engine)
            dialect = engine.dialect
            name = dialect.identifier_preparer.format_table(self._table)
            mark = "%s" if dialect.paramstyle in ("format", "pyformat") else "?"
            with engine.begin() as connection:
                for part in parts(rows, dialect.insertmanyvalues_max_parameters):
                    connection.exec_driver_sql(*insert(name, part, backend=dialect.name, mark=mark))

    def _create_table(self, engine: Engine) -> None:
        # Who asks first needs no right to create tables.
        if not self._finds_table(engine):
            try:
                with engine.begin() as connection:
                    connection.execute(CreateTable(self._table, if_not_exists=True))
            except (IntegrityError, ProgrammingError):
                # Of two that create it at once in PostgreSQL, one fails on an index of the catalog, after the other.
                if not self._finds_table(engine):
                    raise
        self._table_exists = True

    def _finds_table(self, engine: Engine) -> bool:
        return inspect(engine).has_table(self._table.name, schema=self._table.schema)

    def _translated(self, error: SQLAlchemyError, words: str) -> Exception:
        """The sink's word for *error*, with the first line of *words*: what follows may quote the event."""
        message = f"{self._shown}: {words.strip().partition(chr(10))[0]}"
        if isinstance(error, DataError | IntegrityError) or blames_the_data(getattr(error, "orig", None)):
            return Undeliverable(message)
        # Somebody may have dropped the table, or a connection may lead to what is a replica by now.
        self._table_exists = False
        self.close()
        return Unavailable(message)

    def _make_engine(self) -> CloseWhenIdle[Engine]:
        if self._given is not None:
            return CloseWhenIdle(self._given, close=_close)
        settings: dict[str, Any] = {"pool_pre_ping": True, "pool_timeout": self.timeout}
        if self._url.get_backend_name() == "sqlite":
            settings = {"poolclass": NullPool}  # a connection that is kept would write on to a file that was deleted
        limits = connect_args(self._url.get_driver_name(), self._url.query, self.timeout)
        return CloseWhenIdle(
            create_engine(self._url, connect_args=limits, hide_parameters=True, **settings), close=_close
        )

    def _leave(self, shared: CloseWhenIdle[Engine]) -> None:
        """Leave the connections of an engine that was given to the parent, which goes on using them."""
        if shared.value is self._given:
            self._inherited.append(self._given.pool)  # not to be destroyed: some drivers would tell the server goodbye
            self._given.dispose(close=False)


def _close(engine: Engine) -> None:
    engine.pool.dispose()


def _parsed(url: str | URL) -> URL:
    if not isinstance(url, str | URL):
        raise TypeError(f"SQL takes a URL or an Engine, not {type(url).__name__}")
    try:
        return make_url(url)
    except (ArgumentError, ValueError):  # whose words may hold some of the URL
        raise ValueError("this is no URL of a database, such as postgresql+psycopg://user@host/name") from None


def _check_driver(url: URL) -> None:
    """Have what cannot work show at the start, as far as can be told without connecting."""
    try:
        dialect = url.get_dialect()
    except ArgumentError as error:
        raise ValueError(f"SQLAlchemy knows no driver {url.drivername}") from error
    if dialect.is_async:
        raise ValueError(f"{url.drivername} is an async driver, for which a sink cannot wait")
    if dialect.name == "sqlite" and url.database in (None, "", ":memory:"):
        raise ValueError("each connection would have an SQLite database in memory of its own; name a file")
    dialect.import_dbapi()


def _make_table(name: str) -> Table:
    """The table, in the words of each kind of database."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"table={name!r} is not a plain name, such as pixel_events or analytics.pixel_events")
    schema, _, name = name.rpartition(".")
    # MariaDB's TEXT ends at 64 KiB.
    text = Text().with_variant(LONGTEXT(), "mysql", "mariadb")
    # There, the default engine may know no transactions, the default character set no emoji, its collation no case.
    wanted = {"engine": "InnoDB", "charset": "utf8mb4", "collate": "utf8mb4_bin"}
    options: dict[str, Any] = {f"{kind}_{word}": wanted[word] for kind in ("mysql", "mariadb") for word in wanted}
    return Table(
        name,
        MetaData(),
        Column("message_id", String(KEY_CHARS), primary_key=True),
        *[Column(column, text) for column in FIELDS],
        Column("body", JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        schema=schema or None,
        **options,
    )
