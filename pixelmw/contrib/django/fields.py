"""Columns of text that tell any two texts apart, and hold all characters, whatever the database does by default."""

# Django comes without types.
# mypy: disallow-subclassing-any=False

from __future__ import annotations

from typing import Any

from django.db import models

# The character set of a MariaDB or MySQL may have no emoji, and its collation may take "a" and "A" for the same key.
_COLLATIONS = {"mysql": "utf8mb4_bin"}


class _Exact(models.Field):
    def db_parameters(self, connection: Any) -> dict[str, Any]:
        """The column's type and collation, for Django."""
        return {**super().db_parameters(connection), "collation": _COLLATIONS.get(connection.vendor)}


class ExactCharField(_Exact, models.CharField):
    """A text of limited length."""


class ExactTextField(_Exact, models.TextField):
    """A text of any length."""
