"""As ``asgi_server_app``, through a spool: an event is acknowledged on disk, and forwarded while the server ends."""

from __future__ import annotations

import os

from pixelmw.asgi import PixelASGI
from pixelmw.delivery import Spool
from pixelmw.sinks import SQLite
from tests.support.asgi_server_app import host

_database = os.environ["PIXELMW_TEST_DB"]
application = PixelASGI(host, Spool(f"{_database}.spool", SQLite(_database)))
