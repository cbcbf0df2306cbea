"""A site whose pixels can be watched as they come.

Run it with ``python live_view.py``, open http://localhost:5000/ in one tab and
http://localhost:5000/_pixelmw in another. Each visit of the first page sends
one event that is stored and one that is refused.
"""

import os

from flask import Flask

from pixelmw import PixelMiddleware
from pixelmw.live import LiveView
from pixelmw.sinks import SQLite

app = Flask(__name__)
app.wsgi_app = PixelMiddleware(  # type: ignore[method-assign]
    app.wsgi_app,
    SQLite(os.environ.get("EVENTS_DB", "events.db")),
    write_keys={"key-of-the-site": "site"},
    # In development only: the view shows the events of all visitors.
    live=LiveView(),
)


@app.get("/")
def home() -> str:
    """A page with two pixels, the second of which has forgotten its event."""
    return (
        "<h1>Hello</h1>"
        '<img src="/pixel/v1/page?writeKey=key-of-the-site&anonymousId=somebody&name=Home" alt="">'
        '<img src="/pixel/v1/track?writeKey=key-of-the-site&anonymousId=somebody" alt="">'
    )


if __name__ == "__main__":
    app.run(port=5000)
