"""How much MariaDB and MySQL take in one statement: a larger one ends the connection, which looks like an outage."""

from __future__ import annotations

import math
from collections.abc import Mapping

from sqlalchemy.engine import Connection

from ..errors import Undeliverable
from ..rows import Row
from ..statement import bytes_in_statement, chars_in

_ASKED = "pixelmw_most_bytes"
_AROUND_THE_VALUES = 1024  # bytes at most of the words of a statement, with the name of a table and its schema
_MOST_OF_A_CHAR = 4  # bytes, in UTF-8


def most_bytes(connection: Connection) -> float:
    """Return how many bytes of values one statement on *connection* may have. It is asked once for each connection."""
    if connection.dialect.name not in ("mariadb", "mysql"):
        return math.inf
    if _ASKED not in connection.info:
        packet = int(connection.exec_driver_sql("SELECT @@max_allowed_packet").scalar_one())
        connection.info[_ASKED] = packet - _AROUND_THE_VALUES
    most: float = connection.info[_ASKED]
    return most


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
