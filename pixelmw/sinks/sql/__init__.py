"""A sink for PostgreSQL, MariaDB, MySQL and SQLite."""

from .sink import SQL

__all__ = ["SQL"]
