"""A sink for an SQLite database."""

from .sink import SQLite

__all__ = ["SQLite"]
