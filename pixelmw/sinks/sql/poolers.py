"""PostgreSQL behind a pooler such as PgBouncer, which gives each transaction any one of its connections to the server.

Such a pooler refuses ``options`` when a client connects. What is set for a session
would be set for other clients, and a statement that was prepared under a name would
meet another client's. So a connection asks, once, whether it ends at the server
itself: the server's number for the session is then the one that the client was given
when it connected. Only then the time for a statement is set for the session, and
statements are prepared. Else each transaction begins with setting the time for itself.
"""

from __future__ import annotations

import math
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

_BY_TRANSACTION = "pixelmw_time_by_transaction"
_PREPARE_AFTER = 5  # executions of a statement, which is what psycopg does unless it is told otherwise


def bound_statements(engine: Engine, timeout: float) -> None:
    """Let the server end each statement on a connection of *engine* after *timeout* seconds.

    :param engine: one with the driver psycopg or psycopg2, from :func:`.drivers.timeout_arguments`.
    """
    milliseconds = math.ceil(timeout * 1000)

    def on_connect(connection: Any, record: Any) -> None:
        question = (
            f"SELECT CASE WHEN pg_backend_pid() = {connection.info.backend_pid:d}"
            f" THEN set_config('statement_timeout', '{milliseconds}', false) END"
        )
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(question)
            is_direct = cursor.fetchone()[0] is not None
        connection.autocommit = False
        record.info[_BY_TRANSACTION] = not is_direct
        if is_direct and hasattr(connection, "prepare_threshold"):  # psycopg2 prepares nothing
            connection.prepare_threshold = _PREPARE_AFTER

    def on_begin(connection: Connection) -> None:
        if connection.info.get(_BY_TRANSACTION):
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = {milliseconds}")

    event.listen(engine, "connect", on_connect)
    event.listen(engine, "begin", on_begin)
