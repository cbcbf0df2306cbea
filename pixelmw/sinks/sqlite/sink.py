"""A sink that stores events in an SQLite database."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self

from ...events import Event
from ...system.deadline import Deadline
from ...system.threads import call_outside_gevent
from ..base import BatchSink, PartialFailure, SinkError
from ..encoding import encode_each
from ..local_files import PRIVATE, checked_mode, why_unusable
from ..repeats import RepeatCounter, StoreStats
from ..rows import Row, row_of
from ..together import alone, waiting
from .connection import FILES_BESIDE, FairConnection, connect
from .errors import file_error, row_error
from .insert import Inserted, RuleError, insert
from .turns import turn

logger = logging.getLogger("pixelmw.sinks")


class SQLite(BatchSink):
    """Stores each event as a row of the table ``events``, committed to stable storage when the call returns.

    The columns are ``message_id`` (the primary key), ``type``, ``event``,
    ``user_id``, ``anonymous_id``, ``received_at`` and ``body``, the whole event
    as JSON. A repeated messageId is stored once: the first event stays, and :meth:`stats` counts the others.

    Threads and processes may share one file, on a local file system. Threads
    that store at the same time share one transaction; an event that the
    database refuses fails alone. The first event opens the connection. It is
    closed before a fork and opened again in parent and child. It is also opened
    again after an error of the file, and after the file was moved away. (Move or
    delete the file together with its ``-wal`` and ``-shm``, which hold what was
    stored last.)

    A path that cannot work is logged when the sink is made: the directory may still come, as a volume does that is
    mounted later. As a context manager, the sink opens the file at once, and raises what is wrong with it.

    The table may be of the user's own making, with more columns and in any order, with triggers and with further
    constraints. An event whose row a trigger ignores or deletes is not stored, and an error.

    :param path: the database. It is created if it is missing; its directory is not.
    :param timeout: seconds to wait for another process that has locked it, in all of a call.
    :param mode: who may read and write the file, if it is created; ``0o640`` is for readers of its group.
    :raises Unavailable: when called, if the file cannot be used now: it is locked, away, read-only, no database.
    :raises OSError: when called, if the disk is full.
    :raises Undeliverable: when called, if the event is not JSON or has no messageId, or the database refuses it.
    :raises ValueError: when made, if *mode* would keep the owner out, or lets somebody execute the file.
    """

    def __init__(self, path: str | os.PathLike[str], *, timeout: float = 5.0, mode: int = PRIVATE) -> None:
        self.path = Path(path).absolute()
        self.timeout = timeout
        self.mode = checked_mode(mode)
        self._connection: FairConnection | None = None
        self._pid = 0  # the process that opened the connection
        self._file: os.stat_result | None = None  # the file it was opened on
        self._repeats = RepeatCounter()
        if reason := why_unusable(self.path, beside=FILES_BESIDE):
            logger.warning("%r can store nothing as it is: %s", self, reason)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    def __getstate__(self) -> dict[str, Any]:
        """A copy opens a connection of its own: two sinks with one would each commit the other's rows, or undo them."""
        return {**vars(self), "_connection": None, "_repeats": RepeatCounter()}

    @property
    def waiting(self) -> int:
        """How many calls of this process wait for the one under way, to share the next one."""
        return waiting(self)

    def write(self, events: Sequence[Event]) -> None:
        """Store *events* in one transaction.

        :raises PartialFailure: for events without a messageId, those that are
            not JSON, and those that the database refuses; all others are stored.
        :raises Unavailable: if none is stored, since the file cannot be used now.
        :raises OSError: if none is stored, since the disk is full.
        """
        rows, refused = encode_each(row_of, events)
        failures: dict[int, Exception | None] = {**refused}
        if rows:
            deadline = Deadline(self.timeout)
            try:
                inserted = call_outside_gevent(partial(self._insert, rows, deadline), deadline.bring_forward)
            except RuleError as error:  # which may be about the row, or about all of them
                raise SinkError(f"{self.path}: a trigger of the table events failed: {error}") from error
            except sqlite3.Error as error:
                raise file_error(self.path, error) from error
            self._repeats.add(inserted.repeated)
            failures |= {place: row_error(self.path, error) for place, error in inserted.refused.items()}
        if failures:
            raise PartialFailure(failures)

    def stats(self) -> StoreStats:
        """Return the figures of this process; :class:`StoreStats` says what each means."""
        return self._repeats.stats()

    def close(self, timeout: float | None = None) -> None:
        """Close the connection; the next event opens another.

        :raises Unavailable: if it is in use for longer than *timeout* seconds.
        """
        call_outside_gevent(self._close)

    def __enter__(self) -> Self:
        deadline = Deadline(self.timeout)
        with alone(self):
            call_outside_gevent(partial(self._open_in_turn, deadline), deadline.bring_forward)
        return self

    def _insert(self, rows: Mapping[int, Row], deadline: Deadline) -> Inserted:
        """Insert *rows*; it may run on a thread of gevent's pool, so that it neither logs nor takes a lock of ours."""
        try:
            with turn(self.path, deadline):
                return insert(self._open(deadline), rows)
        except BaseException:
            # Whatever the error was, Ctrl-C included, the next call must not find a transaction that was begun.
            self._close()
            raise

    def _open_in_turn(self, deadline: Deadline) -> None:
        with turn(self.path, deadline):
            self._open(deadline)

    def _open(self, deadline: Deadline) -> FairConnection:
        if self._connection is not None and (self._pid != os.getpid() or self._was_replaced()):
            # A child closes what it inherited, also if the server forked without Python's hooks. SQLite advises
            # against that. But it would be worse to keep it open: SQLite would count the parent's locks as the
            # child's own.
            self._close()
        if self._connection is None:
            self._connection, self._file = connect(self.path, self.mode, deadline)
            self._pid = os.getpid()
        self._connection.deadline = deadline
        return self._connection

    def _was_replaced(self) -> bool:
        """Return True if the path no longer leads to the open file: what is written to a deleted file is lost."""
        try:
            return self._file is None or not os.path.samestat(self._file, self.path.stat())
        except OSError:
            return True

    def _close(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()

    _before_fork = _close
