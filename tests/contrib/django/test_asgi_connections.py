"""Under ASGI, Django runs each request in a thread of its own: no pixel leaves a connection behind there."""

from __future__ import annotations

import pytest
from django.core.handlers.asgi import ASGIHandler
from django.db import connections
from django.test import override_settings
from werkzeug.test import create_environ, run_wsgi_app

from pixelmw.contrib.django import ModelSink
from tests.support import databases, django_databases, django_site
from tests.support.asgi import as_wsgi
from tests.support.databases import with_server
from tests.support.django_databases import OrmDatabase
from tests.support.processes import wait_until

server, orm = databases.server, django_databases.orm
SESSIONS = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'",
    "mariadb": "SELECT count(*) FROM information_schema.processlist WHERE user = 'pixel'",
}


@with_server
@pytest.mark.parametrize("age", [0, 600])
def test_no_session_of_the_server_is_left(orm: OrmDatabase, age: int) -> None:
    """https://github.com/django/django/pull/13334: work in another thread than Django's is not cleared up."""
    connections.settings[orm.alias]["CONN_MAX_AGE"] = age
    setting = {"SINK": ModelSink(using=orm.alias)}
    with orm.connection.cursor() as cursor, override_settings(PIXELMW=setting, MIDDLEWARE=[django_site.MIDDLEWARE]):
        app = as_wsgi(ASGIHandler())
        for number in range(5):
            environ = create_environ(f"/pixel/v1/track?writeKey=k&anonymousId=a&event=e&messageId={number}")
            assert run_wsgi_app(app, environ, buffered=True)[1] == "200 OK"

        def sessions() -> int:
            cursor.execute(SESSIONS[orm.kind])
            return int(cursor.fetchone()[0])

        wait_until(lambda: sessions() == 1)  # that of this test; a server notices a moment later that a client is gone
    assert len(orm.rows()) == 5
