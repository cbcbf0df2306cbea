"""A Flask application with a tracking pixel.

Run it with ``flask --app flask_app run``, open http://127.0.0.1:5000/ and look
into ``events.db``.
"""

import os

from flask import Flask

from pixelmw import PixelMiddleware
from pixelmw.sinks import SQLite

app = Flask(__name__)
app.wsgi_app = PixelMiddleware(app.wsgi_app, SQLite(os.environ.get("EVENTS_DB", "events.db")))  # type: ignore[method-assign]


@app.get("/")
def home() -> str:
    """A page that tells its own visits; the pixel needs no JavaScript."""
    return '<h1>Hello</h1><img src="/pixel/v1/page?writeKey=web&anonymousId=somebody&name=Home" alt="">'
