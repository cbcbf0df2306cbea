"""The rows that the SQL sinks store, and the statement that adds them, in SQL that several databases speak."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence

from ..events import Event
from .encoding import json_of, message_id_of, text_of

#: What the columns hold; the key is the first.
Row = tuple[str | None, ...]

#: The columns of text, and the members of the event that they hold.
FIELDS = {
    "type": "type",
    "event": "event",
    "user_id": "userId",
    "anonymous_id": "anonymousId",
    "received_at": "receivedAt",
}
#: All columns, in the order of a row.
COLUMNS = ("message_id", *FIELDS, "body")
#: Characters that the key column holds.
KEY_CHARS = 255

_HASHED = "sha256:"
# Characters of a statement, at about which it is split: MariaDB takes 16 MiB (max_allowed_packet), escapes included.
_STATEMENT_CHARS = 1_000_000

_ON_CONFLICT = "ON CONFLICT (message_id) DO NOTHING"
# INSERT IGNORE would also alter, without a word, what does not fit.
_ON_DUPLICATE = "ON DUPLICATE KEY UPDATE message_id = message_id"
#: What has a repeated key be stored once, for each kind of database.
ONCE = {"postgresql": _ON_CONFLICT, "sqlite": _ON_CONFLICT, "mariadb": _ON_DUPLICATE, "mysql": _ON_DUPLICATE}


def row_of(event: Event) -> Row:
    """An event's key, the columns of text, and the whole of it as JSON.

    :raises ValueError: for an event without a messageId, or that is no JSON.
    :raises TypeError: for one with a value that is none of JSON's.
    """
    return message_id_of(event), *_texts_of(event), json_of(event)


def _texts_of(event: Event) -> Iterator[str | None]:
    return (text_of(event.get(field)) for field in FIELDS.values())


def row_maker(backend: str) -> Callable[[Event], Row]:
    """What makes a row of an event, or raises ``ValueError`` where a kind of database cannot hold it."""

    def row_for(event: Event) -> Row:
        body = json_of(event)
        if backend == "postgresql" and r"\u0000" in body.replace(r"\\", ""):
            raise ValueError("PostgreSQL's JSONB cannot hold NUL")
        return key_of(message_id_of(event)), *_texts_of(event), body

    return row_for


def key_of(message_id: str) -> str:
    """*message_id* where the key column holds it exactly, else a hash of it.

    Some databases end a key at NUL, or ignore spaces at its end. What looks
    like a hash is hashed, too, lest somebody choose an id that is another one's.
    """
    if (
        len(message_id) <= KEY_CHARS
        and not message_id.endswith(" ")
        and "\0" not in message_id
        and not message_id.startswith(_HASHED)
    ):
        return message_id
    return _HASHED + hashlib.sha256(message_id.encode()).hexdigest()


def insert(table: str, rows: Sequence[Row], *, backend: str, mark: str) -> tuple[str, tuple[str | None, ...]]:
    """The statement that adds *rows*, and its parameters.

    SQLAlchemy would compile an ``insert().values(rows)`` anew each time: 36 ms
    for 500 rows, where the database needs 10.

    :param table: the table's name, quoted where it must be.
    :param mark: what the driver takes for the place of a parameter.
    """
    row = f"({', '.join([mark] * len(COLUMNS))})"
    values = ", ".join([row] * len(rows))
    statement = f"INSERT INTO {table} ({', '.join(COLUMNS)}) VALUES {values} {ONCE[backend]}"  # noqa: S608 - marks
    return statement, tuple(value for each in rows for value in each)


def parts(rows: Sequence[Row], most: int) -> Iterator[list[Row]]:
    """*rows* in parts that each fit into one statement, of at most so many parameters."""
    part: list[Row] = []
    size = 0
    for row in rows:
        chars = sum(len(value) for value in row if value)
        if part and ((len(part) + 1) * len(COLUMNS) > most or size + chars > _STATEMENT_CHARS):
            yield part
            part, size = [], 0
        part.append(row)
        size += chars
    yield part
