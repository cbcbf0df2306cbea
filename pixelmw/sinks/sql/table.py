"""The table that holds the events, as each kind of database needs it defined."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import JSON, Column, MetaData, String, Table, Text, inspect
from sqlalchemy.dialects.mysql import LONGTEXT
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError, ProgrammingError
from sqlalchemy.schema import CreateTable

from ..rows import TEXT_COLUMNS
from ..statement import MAX_KEY_CHARS

# A name, with or without a schema's in front. PostgreSQL's limit is the shortest: 63 characters.
_TABLE_NAME = re.compile(r"(?:[A-Za-z_][A-Za-z0-9_]{0,62}\.)?[A-Za-z_][A-Za-z0-9_]{0,62}")

# On MariaDB and MySQL, the default engine may have no transactions. The default character set may have no emoji, and
# its collation may take "a" and "A" for the same key.
_MYSQL_OPTIONS = {"engine": "InnoDB", "charset": "utf8mb4", "collate": "utf8mb4_bin"}


def make_table(name: str) -> Table:
    """Return the definition of the table *name*, which may be ``schema.table``.

    :raises ValueError: if *name* is not a plain name.
    """
    if not _TABLE_NAME.fullmatch(name):
        raise ValueError(f"table={name!r} is not a plain name, such as pixel_events or analytics.pixel_events")
    schema, _, name = name.rpartition(".")
    text = Text().with_variant(LONGTEXT(), "mysql", "mariadb")  # a TEXT of theirs ends at 64 KiB
    options: dict[str, Any] = {
        f"{kind}_{option}": value for kind in ("mysql", "mariadb") for option, value in _MYSQL_OPTIONS.items()
    }
    return Table(
        name,
        MetaData(),
        Column("message_id", String(MAX_KEY_CHARS), primary_key=True),
        *[Column(column, text) for column in TEXT_COLUMNS],
        Column("body", JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        schema=schema or None,
        **options,
    )


def create_table(engine: Engine, table: Table) -> None:
    """Create *table* if it is not there."""

    def is_there() -> bool:
        return inspect(engine).has_table(table.name, schema=table.schema)

    # It looks first: if the table is there, no right to create one is needed.
    if is_there():
        return
    try:
        with engine.begin() as connection:
            connection.execute(CreateTable(table, if_not_exists=True))
    except (IntegrityError, ProgrammingError):
        # If two create it at once in PostgreSQL, the second fails on an index of the catalog.
        if not is_there():
            raise
