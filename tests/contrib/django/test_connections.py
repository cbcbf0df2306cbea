"""Which database connections are closed around a sink that uses the ORM, and which errors a delivery hears of."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import DataError, IntegrityError, InterfaceError, OperationalError, connections, transaction
from django.test.utils import setup_test_environment, teardown_test_environment

from pixelmw import Event
from pixelmw.contrib.django import with_connections
from pixelmw.contrib.django.models import PixelEvent
from pixelmw.delivery import Background, Retry
from pixelmw.sinks import PartialFailure, Unavailable
from tests.support import databases, django_databases
from tests.support.databases import with_server
from tests.support.django_databases import OrmDatabase
from tests.support.processes import event

server, orm = databases.server, django_databases.orm


def in_thread(call: Callable[[], object]) -> None:
    """Call it in a thread of its own, and raise what it raised."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]


def create(orm: OrmDatabase) -> Callable[[Event], object]:
    """A sink as a user would write it."""
    return lambda event: PixelEvent.objects.using(orm.alias).create(message_id=event["messageId"], body=event)


@pytest.fixture
def max_age(orm: OrmDatabase) -> Iterator[Callable[[int | None], None]]:
    """Sets CONN_MAX_AGE for connections that are opened from now on."""
    yield lambda seconds: connections.settings[orm.alias].__setitem__("CONN_MAX_AGE", seconds)
    connections.settings[orm.alias]["CONN_MAX_AGE"] = 0


@pytest.fixture
def outside_tests() -> Iterator[None]:
    """As on a server, where Django is not told that it is tested."""
    teardown_test_environment()
    yield
    setup_test_environment()


@pytest.mark.usefixtures("outside_tests")
@pytest.mark.parametrize("age", [0, 60, None])
def test_a_connection_of_ours_is_kept_as_long_as_the_setting_says(
    orm: OrmDatabase, max_age: Callable[[int | None], None], age: int | None
) -> None:
    max_age(age)
    sink = with_connections(create(orm))

    def store() -> None:
        connection = connections[orm.alias]
        sink(event("1"))
        first = connection.connection
        assert (first is None) == (age == 0)
        sink(event("2"))
        assert connection.connection is first
        kept.append(first)

    kept: list[Any] = []
    in_thread(store)
    assert orm.rows() == ["1", "2"]
    assert kept == [None] or is_closed(kept[0])


def is_closed(raw: Any) -> bool:
    """Whether a connection of a driver is closed."""
    try:
        raw.cursor().execute("SELECT 1")
    except Exception:
        return True
    return False


def test_a_connection_that_somebody_else_opened_stays_open(orm: OrmDatabase) -> None:
    assert orm.rows() == []
    raw = orm.connection.connection
    for sink in (with_connections(create(orm)), orm.sink()):
        sink(event(type(sink).__name__))
        assert orm.connection.connection is raw


def test_within_a_transaction_nothing_is_closed(orm: OrmDatabase) -> None:
    """https://github.com/Koed00/django-q/pull/385, https://github.com/fengsp/django-grpc-framework/issues/6"""
    orm.connection.close()
    sink = with_connections(create(orm))
    with transaction.atomic(using=orm.alias):
        raw = orm.connection.connection
        sink(event("1"))
        assert orm.connection.connection is raw
    assert orm.rows() == ["1"]


def end_sessions(orm: OrmDatabase) -> None:
    """Have the server end the connection of this thread, as a restart does."""
    with orm.connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()" if orm.kind == "postgresql" else "SELECT CONNECTION_ID()")
        (session,) = cursor.fetchone()

    def end() -> None:
        with connections[orm.alias].cursor() as cursor:
            cursor.execute(f"SELECT pg_terminate_backend({session})" if orm.kind == "postgresql" else f"KILL {session}")
        connections[orm.alias].close()

    in_thread(end)


@with_server
def test_a_dead_connection_costs_model_sink_no_event(orm: OrmDatabase) -> None:
    sink = orm.sink()
    assert orm.rows() == []
    for number in range(3):
        end_sessions(orm)
        sink(event(str(number)))
    assert orm.rows() == ["0", "1", "2"]


@with_server
def test_a_dead_connection_costs_a_sink_of_the_users_one_try(orm: OrmDatabase) -> None:
    sink = with_connections(create(orm))
    assert orm.rows() == []
    end_sessions(orm)
    with pytest.raises(Unavailable):
        sink(event("1"))
    sink(event("1"))
    assert orm.rows() == ["1"]


@with_server
def test_a_delivery_goes_on_after_a_restart(orm: OrmDatabase, max_age: Callable[[int | None], None]) -> None:
    assert orm.server is not None
    max_age(None)
    background = Background(with_connections(create(orm)), max_delay=0, retry=Retry(first=0.01, cap=0.1))
    background(event("1"))
    assert background.flush(20)
    orm.connection.close()
    with orm.server.down():
        background(event("2"))
        assert not background.flush(0.5)
    assert background.flush(20)
    background.close()
    assert orm.rows() == ["1", "2"]


# --- errors ---


class Code(Exception):
    """An error as a driver of PostgreSQL raises it."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__("the first line\nDETAIL: s3cret")
        self.sqlstate = sqlstate


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def raising(error: Exception) -> Any:
    def sink(event: Event) -> None:
        raise error

    return with_connections(sink)


@pytest.mark.parametrize(
    "error", [OperationalError("a\nb"), InterfaceError("a"), caused(OperationalError(), Code("57"))]
)
def test_a_database_that_did_not_do_it_is_unavailable(error: Exception) -> None:
    with pytest.raises(Unavailable) as caught:
        raising(error)(event("1"))
    assert caught.value.__cause__ is error
    assert "\n" not in str(caught.value)
    with pytest.raises(PartialFailure) as batch:
        raising(error).write([event("1"), event("2")])
    assert isinstance(batch.value.failures[0], Unavailable)
    assert batch.value.failures[1] is None


@pytest.mark.parametrize(
    "error",
    [DataError("x"), IntegrityError("x"), ValueError("x"), caused(OperationalError("x"), Code("54000"))],
    ids=lambda error: type(error).__name__,
)
def test_any_other_error_is_the_sinks_own(error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        raising(error)(event("1"))
    assert caught.value is error
