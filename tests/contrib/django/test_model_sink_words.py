"""What ModelSink says where a database refuses a row: nothing of the row."""

from __future__ import annotations

import pytest

from pixelmw.sinks import SinkError, Undeliverable
from pixelmw.sinks.base import is_down
from tests.support import databases, django_databases
from tests.support.django_databases import OrmDatabase
from tests.support.markers import give_marked, nothing_shows
from tests.support.processes import event

server, orm = databases.server, django_databases.orm
pytestmark = pytest.mark.parametrize("server", ["postgresql"], indirect=True)


def test_a_row_that_the_database_refuses_shows_nowhere(orm: OrmDatabase, caplog: pytest.LogCaptureFixture) -> None:
    with orm.connection.cursor() as cursor:
        cursor.execute("ALTER TABLE pixelmw_pixelevent ADD CONSTRAINT nobody CHECK (user_id = 'nobody') NOT VALID")
    try:
        with nothing_shows(caplog):
            errors = give_marked(orm.sink())
        assert [type(error) for error in errors] == [Undeliverable] * 2
        assert "violates check constraint nobody" in str(errors[0])
    finally:
        with orm.connection.cursor() as cursor:
            cursor.execute("ALTER TABLE pixelmw_pixelevent DROP CONSTRAINT nobody")


def test_what_a_trigger_raises_shows_nowhere_and_is_no_outage(
    orm: OrmDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    with orm.connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " RAISE EXCEPTION 'no % here', NEW.user_id; END $$;"
            "CREATE TRIGGER refuses BEFORE INSERT ON pixelmw_pixelevent FOR EACH ROW EXECUTE FUNCTION refuse()"
        )
    try:
        with nothing_shows(caplog):
            errors = give_marked(orm.sink())
        assert [type(error) for error in errors] == [SinkError] * 2
        assert not any(map(is_down, errors))
    finally:
        with orm.connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER refuses ON pixelmw_pixelevent; DROP FUNCTION refuse()")
    orm.sink()(event("1"))
    assert orm.rows() == ["1"]
