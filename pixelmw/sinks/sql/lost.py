"""Tells a statement that was too much for a proxy or a server from an outage: both may just end the connection."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from ...system.close_when_idle import CloseWhenIdle
from ..rows import Row
from ..statement import may_be_too_much


def is_lost(error: SQLAlchemyError, rows: Collection[Row]) -> bool:
    """Return True if *error* says that the connection was lost, and *rows* may have been too much."""
    return isinstance(error, DBAPIError) and error.connection_invalidated and may_be_too_much(rows)


def answers(pool: CloseWhenIdle[Engine]) -> bool:
    """Return True if the server answers on a connection of *pool*."""
    try:
        with pool as engine, engine.connect() as connection:
            connection.exec_driver_sql("SELECT 1")
    except SQLAlchemyError:
        return False
    return True
