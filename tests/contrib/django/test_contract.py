"""The sink contract, held by the sink that stores with Django's ORM."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pixelmw import Event
from pixelmw.contrib.django import ModelSink
from pixelmw.testing import SinkContract
from tests.support import databases, django_databases
from tests.support.django_databases import OrmDatabase

server, orm = databases.server, django_databases.orm


@pytest.mark.slow
@pytest.mark.parametrize("server", ["postgresql", "sqlite"], indirect=True)
class TestModelSink(SinkContract):
    stores_once = True
    keeps_order = False

    @pytest.fixture
    def sink(self, orm: OrmDatabase) -> ModelSink:
        return orm.sink()

    @pytest.fixture
    def read_back(self, orm: OrmDatabase) -> Callable[[], list[Event]]:
        return lambda: orm.rows("body")
