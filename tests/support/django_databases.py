"""The kinds of databases that the tests of the ORM sink use, each as an alias of the Django project of this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections
from sqlalchemy import make_url

from pixelmw.contrib.django import ModelSink
from pixelmw.contrib.django.models import PixelEvent
from tests.support import backends, mysql_driver

mysql_driver.choose()

_ENGINES = {"postgresql": "postgresql", "mariadb": "mysql"}


def entry_for(server: backends.Backend | None, file: Path, **options: Any) -> dict[str, Any]:
    """The entry of ``DATABASES`` for a server, or for SQLite in *file*."""
    if server is None:
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": file, **options}
    url = make_url(server.url)
    return {
        "ENGINE": f"django.db.backends.{_ENGINES[url.get_backend_name()]}",
        "NAME": url.database,
        "USER": url.username,
        "PASSWORD": url.password,
        "HOST": url.host,
        "PORT": url.port,
        **options,
    }


class OrmDatabase:
    """A database with the table of the model, which is empty.

    :ivar kind: "postgresql", "sqlite" or "mariadb".
    :ivar alias: what the project calls it.
    :ivar server: its server, ``None`` for SQLite.
    """

    def __init__(self, kind: str, server: backends.Backend | None, file: Path, **options: Any) -> None:
        self.kind = kind
        self.server = server
        self.alias = f"test-{kind}"
        self.entry = entry_for(server, file, **options)
        defaults = connections.settings["default"]
        filled = connections.configure_settings({"default": defaults, self.alias: self.entry})
        connections.settings[self.alias] = filled[self.alias]
        call_command("migrate", "pixelmw", database=self.alias, verbosity=0)
        self.connection = connections[self.alias]
        PixelEvent.objects.using(self.alias).all().delete()

    def sink(self) -> ModelSink:
        return ModelSink(using=self.alias)

    def rows(self, *columns: str) -> list[Any]:
        """The rows, sorted; of one column the values. Without names, the ids."""
        names = columns or ("message_id",)
        found = PixelEvent.objects.using(self.alias).order_by("message_id").values_list(*names, flat=len(names) == 1)
        return list(found)

    def forget(self) -> None:
        """Close the connection of this thread, and take the alias away."""
        self.connection.close()
        del connections[self.alias]
        del connections.settings[self.alias]


@pytest.fixture
def orm(server: tuple[str, backends.Backend | None], tmp_path: Path) -> Iterator[OrmDatabase]:
    """A database of each kind."""
    database = OrmDatabase(*server, tmp_path / "orm.db")
    yield database
    database.forget()
