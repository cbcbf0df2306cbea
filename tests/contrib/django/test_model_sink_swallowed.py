"""ModelSink and rows that a trigger or a rule swallows without an error: they are not taken for stored."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pixelmw.sinks import PartialFailure, SinkError, Undeliverable
from pixelmw.sinks.base import is_down
from tests.support import databases, django_databases
from tests.support.django_databases import OrmDatabase
from tests.support.pixel import Pixel
from tests.support.processes import event
from tests.support.swallowing import each_way, stop_swallowing, swallow

server, orm = databases.server, django_databases.orm
TABLE = "pixelmw_pixelevent"


@pytest.fixture
def way(request: pytest.FixtureRequest, orm: OrmDatabase) -> Iterator[str]:
    """What swallows the rows of "x", in a table with one row."""

    def run(statement: str) -> None:
        with orm.connection.cursor() as cursor:
            cursor.execute(statement)

    orm.sink()(event("first"))
    swallow(run, orm.kind, request.param, TABLE)
    yield request.param
    stop_swallowing(run, orm.kind, request.param, TABLE)


@each_way
def test_a_row_that_is_swallowed_is_refused_by_name_and_the_others_are_stored(orm: OrmDatabase, way: str) -> None:
    sink = orm.sink()
    with pytest.raises(PartialFailure) as caught:
        sink.write([event("2"), event("3") | {"userId": "x"}, event("first"), {"type": "no id"}, event("4")])
    assert {place: type(error) for place, error in caught.value.failures.items()} == {1: SinkError, 3: Undeliverable}
    with pytest.raises(SinkError, match=f"{TABLE} does not keep what is inserted") as alone:
        sink(event("1") | {"userId": "x"})
    assert not is_down(alone.value)
    assert sink.stats() == {"repeated": 1}
    assert orm.rows() == ["2", "4", "first"]


@each_way
def test_a_visitor_whose_row_is_swallowed_is_not_answered_200(orm: OrmDatabase, way: str) -> None:
    pixel = Pixel(sink=orm.sink())
    query = "writeKey=k&event=e&messageId="
    answers = [pixel.get("/pixel/v1/track", f"{query}{user}&userId={user}").status_code for user in ("a", "x", "b")]
    assert answers == [200, 503, 200]
    assert orm.rows() == ["a", "b", "first"]
