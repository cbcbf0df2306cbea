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
_HAS_TRIGGERS = (
    "SELECT count(*) FROM pg_class WHERE (relhastriggers OR relhasrules) AND (oid = to_regclass(%s)"
    " OR oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = to_regclass(%s)))"
)


class NotKept(Exception):
    """Some rows were inserted and are not there. The transaction is to be rolled back.

    :ivar keys: those of the rows.
    """

    def __init__(self, keys: set[str]) -> None:
        super().__init__(f"{len(keys)} rows are not kept")
        self.keys = keys


def has_triggers(run: Run, table: str, backend: str) -> bool:
    """Return True if something may take a row of *table* away that was inserted: then each row is looked for.

    :param table: the table's name, quoted if it needs to be.
    """
    return backend == "postgresql" and bool(run(_HAS_TRIGGERS, (table, table)).fetchall()[0][0])


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
    :param always_look: True where :func:`has_triggers` is.
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
    if repeated or always_look or are_gone or not counts:
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
