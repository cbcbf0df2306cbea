"""Events in PostgreSQL, with a spool on disk in front for when it is down, and a report from their JSON.

Run it with ``gunicorn --limit-request-line 8190 --threads 8 postgres:application``;
``python postgres.py`` prints the ten pages that were viewed most. DATABASE_URL is
as SQLAlchemy spells it, SPOOL_DIR a directory on a local disk.
"""

import os

from sqlalchemy import NullPool, create_engine, text
from werkzeug.wrappers import Response

from pixelmw import PixelMiddleware
from pixelmw.delivery import Spool
from pixelmw.sinks.sql import SQL

DATABASE_URL = os.environ.get("DATABASE_URL", "postgresql+psycopg://localhost/pixels")

# An event that comes twice is a row once: the messageId is the primary key.
spool = Spool(os.environ.get("SPOOL_DIR", "spool"), SQL(DATABASE_URL, table="pixel_events"))
application = PixelMiddleware(Response("Hello\n"), spool)

# What has no column of its own is in the JSON. An index on such an expression, or GIN on the whole, makes it fast.
MOST_VIEWED = text("""
    SELECT body #>> '{context,page,url}' AS url, count(*) AS views, count(DISTINCT anonymous_id) AS visitors
    FROM pixel_events
    WHERE type = 'page' AND body #>> '{context,page,url}' IS NOT NULL
    GROUP BY url
    ORDER BY views DESC, url
    LIMIT 10
""")

if __name__ == "__main__":
    with create_engine(DATABASE_URL, poolclass=NullPool).connect() as connection:
        for url, views, visitors in connection.execute(MOST_VIEWED):
            print(f"{views:6} views by {visitors:6} visitors of {url}")
