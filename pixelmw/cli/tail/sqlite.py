"""Follows the table ``events`` of an SQLite database that other processes write to.

Rows are read in the order of SQLite's ``rowid``, which grows with each new row.
Two things break that order: when the newest rows are deleted, their numbers
are given again, and ``VACUUM`` may number all rows anew. Both show in that the
last row that was read is not there any more under its number. Then rows count
as new that were received no earlier, and that were not read before.
"""

from __future__ import annotations

import os
import sqlite3
from collections import deque
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from ...events import Event
from ...sinks.encoding import decode
from .store import leads_to, open_regular

# Read at once, with the longest body in characters. An event of a query at its limit of 32 KB is far below, and what is
# longer is counted and not shown. Together they bound the memory: no database is to be trusted.
_ROWS, _MAX_BODY = 100, 512 * 1024
_BUSY = 5.0  # seconds that a statement waits for a writer, as the sink does
_PRIMARY_CODE = 0xFF  # of an error code; the other bits say more about it: https://sqlite.org/rescode.html
_KNOWN_IDS = 10_000  # of the events that were read last

_COLUMNS = (
    "rowid, CAST(message_id AS TEXT), CAST(received_at AS TEXT), "
    f"CASE WHEN length(body) <= {_MAX_BODY} THEN CAST(body AS TEXT) END"
)
_FIRST_OF_LAST = "SELECT min(rowid) FROM (SELECT rowid FROM events ORDER BY rowid DESC LIMIT ?)"
# No text of a user's is in these.
_NEW = f"SELECT {_COLUMNS} FROM events WHERE rowid > ? ORDER BY rowid LIMIT {_ROWS}"  # noqa: S608
_NOT_EARLIER = _NEW.replace("WHERE", "WHERE received_at >= ? AND")
_IS_THERE = "SELECT 1 FROM events WHERE rowid = ? AND message_id = ?"

_Row = tuple[int, str, str | None, str | None]


class SQLiteFollower:
    """Gives the events in an SQLite database, which is opened for reading only.

    :ivar skipped: how many rows were no events, or too long.
    :param path: the database.
    :param last: how many of the newest events the first call of :meth:`new_events` looks at.
    :raises OSError: if it cannot be opened.
    :raises sqlite3.Error: likewise.
    :raises ValueError: if it is no regular file, or no store of events.
    """

    def __init__(self, path: Path, last: int) -> None:
        self.path = path
        self.skipped = 0
        self._known: deque[str] = deque(maxlen=_KNOWN_IDS)
        self._id, self._received = "", ""
        self._connection: sqlite3.Connection | None = None
        self._open()
        ((first,),) = self._rows(_FIRST_OF_LAST, last)
        ((newest,),) = self._rows("SELECT max(rowid) FROM events")
        self._rowid: int = (first - 1 if last else newest) if newest is not None else 0

    @property
    def is_away(self) -> bool:
        """True while there is no store at the path."""
        return self._connection is None or not leads_to(self.path, self._file)

    def new_events(self) -> Iterator[Event]:
        """The events that have come since the last call, or at the first one the newest.

        While the database cannot be read, since a writer locks it or sets it up anew, there are none.
        """
        try:
            yield from self._new_events()
        except sqlite3.OperationalError:
            self.close()

    def _new_events(self) -> Iterator[Event]:
        if self._connection is not None:
            yield from self._rest()
            if leads_to(self.path, self._file) is False:
                yield from self._rest()  # what was written between the end and that look
                self.close()
        if self._connection is None:
            with suppress(OSError, ValueError, sqlite3.OperationalError):  # it is not there yet, or has no table yet
                before = self._file
                self._open()
                if not os.path.samestat(before, self._file):
                    self._rowid, self._id, self._received = 0, "", ""
        if self._connection is not None:
            yield from self._rest()

    def close(self) -> None:
        """Close the database."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()

    def _open(self) -> None:
        # It is opened twice, since SQLite would wait for ever if the path led to a pipe.
        descriptor = open_regular(self.path)
        self._file = os.fstat(descriptor)
        os.close(descriptor)
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=_BUSY
        )
        try:
            connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
            # A database of somebody else's may hold views and functions that do more than they seem to:
            # https://sqlite.org/security.html
            connection.execute("PRAGMA trusted_schema = OFF")
            kind = connection.execute("SELECT type FROM sqlite_schema WHERE name = 'events'").fetchone()
            if kind != ("table",):
                raise ValueError(f"{self.path} has no table named events: it is no store of the sink SQLite")
        except sqlite3.OperationalError as error:
            connection.close()
            raise sqlite3.OperationalError(f"{self.path}: {error}{_remedy(error)}") from error
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def _rest(self) -> Iterator[Event]:
        if self._id and not self._rows(_IS_THERE, self._rowid, self._id):
            self._rowid = 0
            while rows := self._rows(_NOT_EARLIER, self._received, self._rowid):
                yield from self._events_of(rows)
        while rows := self._rows(_NEW, self._rowid):
            yield from self._events_of(rows)

    def _rows(self, statement: str, *parameters: object) -> list[Any]:
        if self._connection is None:
            return []
        with closing(self._connection.execute(statement, parameters)) as cursor:
            return cursor.fetchall()

    def _events_of(self, rows: list[_Row]) -> Iterator[Event]:
        for rowid, message_id, received_at, body in rows:
            self._rowid, self._id, self._received = rowid, message_id, received_at or self._received
            if message_id in self._known:
                continue
            self._known.append(message_id)
            try:
                event = decode(body.encode()) if body is not None else None
            except ValueError:
                event = None
            if isinstance(event, dict):
                yield event
            else:
                self.skipped += 1


def _remedy(error: sqlite3.OperationalError) -> str:
    # To read a write-ahead log, SQLite needs its index, in a file that is there already or can be made:
    # https://sqlite.org/wal.html#read_only_databases
    if error.sqlite_errorcode & _PRIMARY_CODE in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
        return "; some process must have it open, or you need to be allowed to write to its directory"
    return ""
