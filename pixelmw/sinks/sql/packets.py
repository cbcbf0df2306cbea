"""How much MariaDB and MySQL take in one statement: a larger one ends the connection, which looks like an outage."""

from __future__ import annotations

import math

from sqlalchemy.engine import Connection

from ..statement import values_in_packet

_ASKED = "pixelmw_most_bytes"


def most_bytes(connection: Connection) -> float:
    """Return how many bytes of values one statement on *connection* may have. It is asked once for each connection."""
    if connection.dialect.name not in ("mariadb", "mysql"):
        return math.inf
    if _ASKED not in connection.info:
        packet = int(connection.exec_driver_sql("SELECT @@max_allowed_packet").scalar_one())
        connection.info[_ASKED] = values_in_packet(packet)
    most: float = connection.info[_ASKED]
    return most
