"""A Flask application from a factory, with pixels that know the session and the user.

Run it with ``flask --app flask_factory run``, and open http://127.0.0.1:5000/.
"""

import os
import uuid

from flask import Flask, render_template_string, session
from werkzeug.wrappers import Request

from pixelmw import Event
from pixelmw.contrib.flask import Pixels
from pixelmw.enrich import client_context
from pixelmw.sinks import SQLite

PAGE = """<h1>Hello</h1>
{{ pixel("page", name="Home", anonymous_id=session.visitor) }}"""

pixels = Pixels()


def add_plan(event: Event, request: Request) -> None:
    """Add what the session knows of the visitor: enrichers run in a request context."""
    event.setdefault("properties", {})["plan"] = session.get("plan", "unknown")


def create_app() -> Flask:
    """The factory."""
    app = Flask(__name__)
    app.secret_key = os.environ.get("SECRET_KEY", "only for this example")
    app.config["PIXELMW_WRITE_KEY"] = "website"
    pixels.init_app(app, sink=SQLite(os.environ.get("EVENTS_DB", "events.db")), enrich=[client_context, add_plan])

    @app.get("/")
    def home() -> str:
        session.setdefault("visitor", str(uuid.uuid4()))
        session["plan"] = "free"
        return render_template_string(PAGE)

    return app
