"""What ModelSink stores, on each kind of database, and which events it refuses."""

# Django comes without types.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.wsgi import WSGIHandler
from django.db import connections, transaction
from django.test import override_settings

from pixelmw.contrib.django import ModelSink
from pixelmw.contrib.django.models import PixelEvent
from pixelmw.sinks import PartialFailure, Unavailable, Undeliverable
from tests.support import backends, databases, django_databases
from tests.support.django_databases import OrmDatabase
from tests.support.processes import event, store_from_threads

server, orm = databases.server, django_databases.orm
ROOT = Path(__file__).parents[3]


def test_an_event_is_a_row_with_the_columns_of_sqlite_and_its_body(orm: OrmDatabase) -> None:
    whole = {
        "messageId": "1",
        "type": "track",
        "event": "Opened \U0001f41e",
        "userId": "u",
        "anonymousId": "a",
        "receivedAt": "2026-11-23T12:34:56.789Z",
        "properties": {"b": 1, "a": [True, None, 1.5], "text": "\\u0000 %s %(x)s {} ' \""},
    }
    orm.sink()(whole)
    columns = ("message_id", "type", "event", "user_id", "anonymous_id", "received_at", "body")
    (row,) = orm.rows(*columns)
    assert row == ("1", "track", "Opened \U0001f41e", "u", "a", "2026-11-23T12:34:56.789Z", whole)


def test_what_an_event_lacks_is_null(orm: OrmDatabase) -> None:
    orm.sink()({"messageId": "1"})
    assert orm.rows("type", "event", "user_id", "anonymous_id", "received_at") == [(None,) * 5]


def test_a_batch_is_stored_and_a_repeated_message_once(orm: OrmDatabase) -> None:
    sink = orm.sink()
    sink.write([event(str(number)) for number in range(2000)])
    sink.write([event("1"), {**event("1"), "event": "second"}, event("new")])
    assert len(orm.rows()) == 2001
    assert sink.stats() == {"repeated": 2}
    assert dict(orm.rows("message_id", "event"))["1"] == "e"


def test_a_large_event_is_stored(orm: OrmDatabase) -> None:
    orm.sink()({**event("1", size=200_000), "event": "n" * 70_000})
    ((name, body),) = orm.rows("event", "body")
    assert (len(name), len(body["properties"]["text"])) == (70_000, 200_000)


def test_ids_differ_if_they_differ_in_anything(orm: OrmDatabase) -> None:
    """Case, accents, white space at the end, and what stands behind character 255."""
    ids = ["a", "A", "á", "a ", " a", "ß", "ss", "x" * 300, "x" * 301, "\U0001f41e", "\U0001f41f"]
    for each in ids:
        orm.sink()(event(each))
    assert len(orm.rows()) == len(ids)
    assert sorted(body["messageId"] for body in orm.rows("body")) == sorted(ids)
    assert f"sha256:{hashlib.sha256(b'x' * 300).hexdigest()}" in orm.rows()


@pytest.mark.parametrize("server", ["mariadb"], indirect=True)
@pytest.mark.parametrize("migrated", [True, False], ids=["migrated", "without migrations"])
def test_the_table_can_hold_all_characters_where_the_database_cannot(
    server: tuple[str, backends.Backend | None], migrated: bool, tmp_path: Path
) -> None:
    """Tests of a project may make their tables without migrations."""
    name = "latin_migrated" if migrated else "latin"
    databases.Database(*server, tmp_path).run(f"CREATE DATABASE {name} CHARACTER SET latin1 COLLATE latin1_swedish_ci")
    orm = OrmDatabase(*server, tmp_path, NAME=name)
    try:
        if not migrated:
            with orm.connection.schema_editor() as editor:
                editor.delete_model(PixelEvent)
                editor.create_model(PixelEvent)
        texts = ["a", "A", "\u00e1", "\U0001f41e", "\U0001f41f"]
        for text in texts:
            orm.sink()({**event(text), "userId": text})
        assert {*orm.rows("message_id", "user_id")} == {(text, text) for text in texts}
    finally:
        orm.forget()


def test_what_is_not_json_is_refused_and_the_rest_is_stored(orm: OrmDatabase) -> None:
    bad: list[Any] = [{"messageId": "2", "x": float("nan")}, {"type": "track"}, {"messageId": "3", "x": "\ud800"}]
    with pytest.raises(PartialFailure) as caught:
        orm.sink().write([event("1"), *bad, event("4")])
    assert {place: type(error) for place, error in caught.value.failures.items()} == dict.fromkeys(
        (1, 2, 3), Undeliverable
    )
    assert orm.rows() == ["1", "4"]


def test_nul_is_stored_where_the_database_can_hold_it(orm: OrmDatabase) -> None:
    holds_nul = {**event("1"), "event": "a\0b"}
    if orm.kind == "postgresql":
        with pytest.raises(Undeliverable, match="NUL"):
            orm.sink()(holds_nul)
    else:
        orm.sink()(holds_nul)
        assert orm.rows("body") == [holds_nul]
    orm.sink()(event("2"))


def test_an_event_that_a_column_cannot_hold_is_undeliverable_and_says_no_value(orm: OrmDatabase) -> None:
    sink = orm.sink()
    too_long = {**event("1"), "receivedAt": "s3cret" * 100}
    if orm.kind == "sqlite":  # its columns have no length
        sink(too_long)
        return
    with pytest.raises(Undeliverable) as caught:
        sink(too_long)
    assert "s3cret" not in str(caught.value)
    sink(event("2"))
    assert orm.rows() == ["2"]


@pytest.mark.slow
def test_threads_may_store_at_once(orm: OrmDatabase) -> None:
    assert sorted(store_from_threads(orm.sink())) == sorted(orm.rows())


def test_a_missing_table_makes_it_unavailable_and_names_the_table(orm: OrmDatabase) -> None:
    with orm.connection.cursor() as cursor:
        cursor.execute("ALTER TABLE pixelmw_pixelevent RENAME TO elsewhere")
    try:
        with pytest.raises(Unavailable, match="pixelmw_pixelevent"):
            orm.sink()(event("1"))
    finally:
        with orm.connection.cursor() as cursor:
            cursor.execute("ALTER TABLE elsewhere RENAME TO pixelmw_pixelevent")
    orm.sink()(event("2"))
    assert orm.rows() == ["2"]


def test_inside_a_transaction_of_somebody_else_it_refuses(orm: OrmDatabase) -> None:
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic(using=orm.alias):
        orm.sink()(event("1"))
    assert orm.rows() == []


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
def test_parameters_may_be_bound_by_the_server(orm: OrmDatabase) -> None:
    orm.connection.close()
    orm.connection.settings_dict["OPTIONS"] = {"server_side_binding": True}
    orm.sink()(event("1"))
    assert orm.rows("body") == [event("1")]


class EventsElsewhere:
    """A router of a project that keeps events in a database of their own."""

    alias = ""

    def db_for_write(self, model: Any, **hints: object) -> str | None:
        return self.alias if model.__name__ == "PixelEvent" else None


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_the_routers_of_the_project_choose_the_database(orm: OrmDatabase) -> None:
    router = EventsElsewhere()
    router.alias = orm.alias
    with override_settings(DATABASE_ROUTERS=[router]):
        ModelSink()(event("1"))
    assert orm.rows() == ["1"]


def test_another_kind_of_database_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(connections["default"]), "vendor", "oracle")
    with pytest.raises(ImproperlyConfigured, match="is oracle; ModelSink knows"):
        ModelSink()(event("1"))


@override_settings(INSTALLED_APPS=["django.contrib.contenttypes"])
def test_a_project_without_the_application_is_told_at_its_start() -> None:
    setting = override_settings(PIXELMW={"SINK": "pixelmw.contrib.django.ModelSink"})
    with setting, pytest.raises(ImproperlyConfigured, match=r"pixelmw\.contrib\.django.*INSTALLED_APPS"):
        WSGIHandler()


def test_a_database_that_the_project_does_not_have_is_named() -> None:
    with pytest.raises(ImproperlyConfigured, match="no 'events' for ModelSink; known are default"):
        ModelSink(using="events")


def test_in_the_settings_it_waits_until_it_is_called() -> None:
    """There, Django does not know yet which applications and databases it has."""
    settings = "INSTALLED_APPS=[], PIXELMW={'SINK': ModelSink(using='events')}"
    script = f"""
import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.wsgi import WSGIHandler
from pixelmw.contrib.django import ModelSink
settings.configure({settings})
django.setup()
try:
    settings.PIXELMW["SINK"]({{"messageId": "1"}})
except ImproperlyConfigured as error:
    print(error)
"""
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "INSTALLED_APPS" in run.stdout


def test_it_says_where_it_stores() -> None:
    assert repr(ModelSink()) == "ModelSink()"
    assert repr(ModelSink(using="default")) == "ModelSink(using='default')"
