"""Inserts rows into a table of a database server or of SQLite, and looks whether they are there then."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .errors import SinkError
from .rows import Row
from .statement import COUNTS_INSERTED_ROWS, count_statement, insert_statement, kept_since_statement, kept_statement

#: Executes a statement of the driver's, with its parameters; returns what has ``rowcount`` and ``fetchall``.
Run = Callable[[str, tuple[str | None, ...]], Any]

# A trigger of a partition, or of a table that inherits from this one, is not one of the table itself.
_MAY_LOSE_ON_POSTGRESQL = (
    "SELECT count(*) FROM pg_class WHERE (relhastriggers OR relhasrules) AND (oid = to_regclass(%s)"
    " OR oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = to_regclass(%s)))"
)
# ON DUPLICATE KEY skips a row that collides in any index. Triggers show to users with the right TRIGGER only.
_MAY_LOSE_ON_MYSQL = (
    "SELECT (SELECT COUNT(*) FROM information_schema.TRIGGERS"
    " WHERE EVENT_OBJECT_SCHEMA = COALESCE(%s, DATABASE()) AND EVENT_OBJECT_TABLE = %s)"
    " + (SELECT COUNT(*) FROM information_schema.STATISTICS"
    " WHERE TABLE_SCHEMA = COALESCE(%s, DATABASE()) AND TABLE_NAME = %s AND NON_UNIQUE = 0 AND INDEX_NAME <> 'PRIMARY')"
)


class NotKept(Exception):
    """Some rows were inserted and are not there. The transaction is to be rolled back.

    :ivar keys: those of the rows.
    """

    def __init__(self, keys: set[str]) -> None:
        super().__init__(f"{len(keys)} rows are not kept")
        self.keys = keys


def may_lose_rows(run: Run, quoted: str, backend: str, *, schema: str | None = None, name: str = "") -> bool:
    """Return True if something may take a row away that was inserted, unseen: then each row is to be looked for.

    :param quoted: the table's name, quoted if it needs to be, with its schema.
    :param schema: that of the table, or ``None`` for the connection's.
    :param name: the table's name alone.
    """
    if backend == "postgresql":
        return bool(run(_MAY_LOSE_ON_POSTGRESQL, (quoted, quoted)).fetchall()[0][0])
    if backend in ("mariadb", "mysql"):
        return bool(run(_MAY_LOSE_ON_MYSQL, (schema, name, schema, name)).fetchall()[0][0])
    return False  # SQLite counts what is taken away


def insert_rows(
    run: Run,
    table: str,
    rows: Sequence[Row],
    *,
    backend: str,
    placeholder: str,
    always_look: bool,
    changes: Callable[[], int] | None = None,
) -> int:
    """Insert *rows* by one statement, and return how many of them were there already.

    :param placeholder: what stands for a parameter in the driver's SQL, such as ``%s``.
    :param always_look: True where :func:`may_lose_rows` is.
    :param changes: of SQLite, returns how many rows the connection has changed in all, also by triggers.
    :raises NotKept: if a trigger or a rule swallowed some.
    """
    keys = {row[0] for row in rows}
    counts = backend in COUNTS_INSERTED_ROWS
    repeated = 0
    if not counts:
        there = run(*count_statement(table, keys, placeholder=placeholder)).fetchall()[0][0]
        repeated = there + len(rows) - len(keys)
    before = changes() if changes is not None else 0
    inserted = run(*insert_statement(table, rows, backend=backend, placeholder=placeholder)).rowcount
    if counts:
        repeated = len(rows) - inserted
    are_gone = changes is not None and changes() - before != inserted
    if (repeated and counts) or always_look or are_gone:
        missing = keys - {key for (key,) in run(*kept_statement(table, keys, placeholder=placeholder)).fetchall()}
        if not counts:
            since = [run(*kept_since_statement(table, key, placeholder=placeholder)).fetchall() for key in missing]
            missing -= {key for found in since for (key,) in found}
        if missing:
            raise NotKept(missing)
    return repeated


def insert_what_is_kept(
    insert: Callable[[Mapping[int, Row]], None], rows: Mapping[int, Row], named: str
) -> dict[int, SinkError]:
    """Call *insert* with *rows*, and again without those that are not kept; returns the errors of these.

    A rule of the operator's may mean some events only, such as those of robots. So it is nothing about the others.

    :param insert: stores rows in one transaction, or raises :class:`NotKept` and leaves nothing behind.
    :param rows: by their places in the batch.
    :param named: what the errors call the table.
    """
    refused: dict[int, SinkError] = {}
    while rows:
        try:
            insert(rows)
            break
        except NotKept as lost:
            words = f"{named} does not keep what is inserted: is there a trigger or a rule that swallows rows?"
            refused |= {place: SinkError(words) for place, row in rows.items() if row[0] in lost.keys}
            rows = {place: row for place, row in rows.items() if place not in refused}
    return refused
