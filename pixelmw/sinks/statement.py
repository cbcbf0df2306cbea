"""Makes the INSERT statement that skips rows already stored, and rows that each kind of database can hold."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial

from ..events import Event
from .errors import SMALLEST_LIMIT, Undeliverable
from .rows import COLUMNS, Row, row_of

#: Characters that the key column holds.
MAX_KEY_CHARS = 255

_HASH_PREFIX = "sha256:"
_STATEMENT_SIZE = 1_000_000  # of values, at which a statement is split: larger ones are no faster
# What MariaDB's and MySQL's drivers escape with a backslash.
_ESCAPED = ("\\", '"', "'", "\n", "\r", "\0", "\x1a")
_AROUND_THE_VALUES = 1024  # bytes at most of the words of a statement, with the name of a table and its schema
_MOST_OF_A_CHAR = 4  # bytes, in UTF-8
_AROUND_A_VALUE = 5  # bytes: two quotation marks, a comma, a space, and parentheses around all of them
#: What is said of rows that a connection was lost over, though the server answers on another one.
TOO_MUCH = "the connection was lost over this, and a new one works: is it more than a proxy takes at once?"

_ON_CONFLICT = "ON CONFLICT (message_id) DO NOTHING"
# INSERT IGNORE would also change values that do not fit, without an error.
_ON_DUPLICATE = "ON DUPLICATE KEY UPDATE message_id = message_id"
#: For each kind of database, the clause that skips a row whose key is there already.
SKIP_REPEATED_KEY = {
    "postgresql": _ON_CONFLICT,
    "sqlite": _ON_CONFLICT,
    "mariadb": _ON_DUPLICATE,
    "mysql": _ON_DUPLICATE,
}

#: Where the driver's count of rows is that of those inserted. The drivers of MariaDB and MySQL also count the rows that
#: ON DUPLICATE KEY leaves as they are, since SQLAlchemy connects with CLIENT_FOUND_ROWS.
COUNTS_INSERTED_ROWS = frozenset(["postgresql", "sqlite"])


def row_maker(backend: str) -> Callable[[Event], Row]:
    """Return a function that makes the row of an event for a kind of database.

    It raises :class:`Undeliverable` for an event that is not JSON, that has no
    messageId, or that this kind of database cannot hold.
    """
    return partial(_row_for, backend)


def _row_for(backend: str, event: Event) -> Row:
    message_id, *texts, body = row_of(event)
    if backend == "postgresql" and r"\u0000" in body.replace(r"\\", ""):
        raise Undeliverable("PostgreSQL's JSONB cannot hold NUL")
    return key_for(message_id), *texts, body


def key_for(message_id: str) -> str:
    """Return *message_id* if the key column holds it exactly, else a hash of it.

    Some databases end a key at NUL, or ignore spaces at its end. An id that
    looks like a hash is hashed too, so that nobody can choose an id that
    collides with the hash of another.
    """
    if (
        len(message_id) <= MAX_KEY_CHARS
        and not message_id.endswith(" ")
        and "\0" not in message_id
        and not message_id.startswith(_HASH_PREFIX)
    ):
        return message_id
    return _HASH_PREFIX + hashlib.sha256(message_id.encode()).hexdigest()


def insert_statement(
    table: str, rows: Sequence[Row], *, backend: str, placeholder: str
) -> tuple[str, tuple[str | None, ...]]:
    """Return the statement that adds *rows*, and its parameters.

    SQLAlchemy would compile an ``insert().values(rows)`` anew each time, which
    takes 36 ms for 500 rows. The database needs 10 ms to store them.

    :param table: the table's name, quoted if it needs to be.
    :param placeholder: what stands for a parameter in the driver's SQL, such as ``%s``.
    """
    row = f"({', '.join([placeholder] * len(COLUMNS))})"
    values = ", ".join([row] * len(rows))
    skip = SKIP_REPEATED_KEY[backend]
    statement = f"INSERT INTO {table} ({', '.join(COLUMNS)}) VALUES {values} {skip}"  # noqa: S608 - only placeholders
    return statement, tuple(value for each in rows for value in each)


def count_statement(table: str, keys: Collection[str], *, placeholder: str) -> tuple[str, tuple[str, ...]]:
    """Return the statement that counts which of *keys* are in *table*, and its parameters."""
    marks = ", ".join([placeholder] * len(keys))
    return f"SELECT COUNT(*) FROM {table} WHERE message_id IN ({marks})", tuple(keys)  # noqa: S608 - only placeholders


def kept_statement(table: str, keys: Collection[str], *, placeholder: str) -> tuple[str, tuple[str, ...]]:
    """Return the statement that finds which of *keys* are in *table*, and its parameters."""
    marks = ", ".join([placeholder] * len(keys))
    return f"SELECT message_id FROM {table} WHERE message_id IN ({marks})", tuple(keys)  # noqa: S608 - only placeholders


def kept_since_statement(table: str, key: str, *, placeholder: str) -> tuple[str, tuple[str, ...]]:
    """Return the statement that finds *key* in *table* of MariaDB or MySQL also if it came since the transaction began.

    It takes a lock, which an insertion of *key* has already. For several keys, InnoDB would lock what is between them.
    """
    words = f"WHERE message_id = {placeholder} LOCK IN SHARE MODE"
    return f"SELECT message_id FROM {table} {words}", (key,)  # noqa: S608 - only placeholders


def chars_in(row: Row) -> int:
    """Return how many characters the values of *row* have. In a statement, each takes at most four bytes."""
    return sum(len(value) for value in row if value)


def bytes_in_statement(row: Row) -> int:
    """Return how many bytes *row* takes in a statement, where a driver writes the values into its text."""
    text = "".join(value or "NULL" for value in row)
    return _AROUND_A_VALUE * len(row) + len(text.encode()) + sum(map(text.count, _ESCAPED))


def may_be_too_much(rows: Collection[Row]) -> bool:
    """Return True if *rows* may be more than a proxy or a server takes in one statement, whatever it says itself."""
    return len(rows) > 1 or sum(map(bytes_in_statement, rows)) > SMALLEST_LIMIT


def values_in_packet(max_allowed_packet: int) -> int:
    """Return how many bytes of values a statement may have, where MariaDB or MySQL takes packets of that size."""
    return max_allowed_packet - _AROUND_THE_VALUES


def refuse_larger(rows: Mapping[int, Row], most: float) -> dict[int, Undeliverable]:
    """Return the errors of the rows that do not even fit alone, by their places."""
    if most == math.inf:
        return {}
    sizes = {place: bytes_in_statement(row) for place, row in rows.items() if _MOST_OF_A_CHAR * chars_in(row) > most}
    return {
        place: Undeliverable(f"the event takes {size} bytes; the server's max_allowed_packet leaves {most}")
        for place, size in sizes.items()
        if size > most
    }


def split_by_statement(rows: Sequence[Row], max_parameters: int, max_bytes: float = math.inf) -> Iterator[list[Row]]:
    """Split *rows* into parts that each fit into one statement.

    :param max_parameters: how many parameters a statement may have.
    :param max_bytes: how many bytes of values the server takes in one; without a limit, they need not be counted.
    """
    size_of = chars_in if max_bytes == math.inf else bytes_in_statement
    part: list[Row] = []
    size, most = 0, min(max_bytes, _STATEMENT_SIZE)
    for row in rows:
        row_size = size_of(row)
        if part and ((len(part) + 1) * len(COLUMNS) > max_parameters or size + row_size > most):
            yield part
            part, size = [], 0
        part.append(row)
        size += row_size
    if part:
        yield part
