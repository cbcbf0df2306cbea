"""What ``python -m pixelmw serve`` runs: a welcome page, a database, and a line on the terminal for each event."""

from __future__ import annotations

import time
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.wrappers import Response
from werkzeug.wsgi import get_current_url

from ..errors import Rejected
from ..events import Event
from ..middleware import PixelMiddleware
from ..replies import ReplyMode
from ..sinks import SQLite
from ..text import printable_name, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>pixelmw</title>
<style>body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem }}
code {{ overflow-wrap: anywhere }}</style>
<h1>pixelmw is collecting</h1>
<p>This page carries a pixel, so your visit is an event already. The terminal shows it, and the database has it:</p>
<p><code>sqlite3 {database} "select received_at, type, body from events"</code></p>
<p>A URL to try, and one that is refused:</p>
<p><a href="{good}"><code>{good}</code></a></p>
<p><a href="{bad}"><code>{bad}</code></a></p>
<p>For a page or an e-mail of your own:</p>
<p><code>&lt;img src="{good}" width="1" height="1" alt=""&gt;</code></p>
<img src="{page}" width="1" height="1" alt="">
</html>
"""


class _SilentHandler(WSGIRequestHandler):
    """Werkzeug's handler without its access log, which would show query strings and write keys."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def welcome_app(write_key: str, database: str) -> WSGIApplication:
    """A WSGI application whose front page carries a pixel and shows URLs to try."""

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO") != "/":
            return Response("Not here; the front page is at /\n", 404)(environ, start_response)
        base = get_current_url(environ, root_only=True).rstrip("/")
        query = f"?writeKey={quote(write_key, safe='')}&anonymousId=welcome"
        page = _PAGE.format(
            good=escape(f"{base}/pixel/v1/track{query}&event=Hello&properties.answer=42"),
            bad=escape(f"{base}/pixel/v1/track{query}&event="),
            page=escape(f"/pixel/v1/page{query}&name=Welcome"),
            database=escape(database),
        )
        return Response(page, mimetype="text/html")(environ, start_response)

    return app


def event_line(event: Event) -> str:
    """One readable line for the terminal about *event*."""
    label = event.get("event") or event.get("name") or ""
    who = event.get("userId") or event.get("anonymousId")
    return _line(
        "stored",
        event["type"],
        shortened(f"{label}"),
        f"by {shortened(str(who))}",
        f"id {shortened(event['messageId'])}",
    )


def refusal_line(refusal: Rejected) -> str:
    """One readable line for the terminal about a refused request, without any value of it."""
    where = f"at {printable_name(refusal.path)}" if refusal.path else ""
    return _line("refused", str(refusal.event_type), refusal.code, where, f"({refusal.rule})" if refusal.rule else "")


def _line(outcome: str, *parts: str) -> str:
    return " ".join(part for part in (time.strftime("%H:%M:%S"), f"{outcome:8}", *parts) if part)


def _tell(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - this is the terminal's program


def make_welcome_server(host: str, port: int, store: SQLite, write_keys: list[str], reply: ReplyMode) -> BaseWSGIServer:
    """A threaded server around the welcome page, with the middleware storing into *store*."""

    def sink(event: Event) -> None:
        store(event)
        _tell(event_line(event))

    app = PixelMiddleware(
        welcome_app(write_keys[0] if write_keys else "demo", str(store.path)),
        sink,
        write_keys=write_keys or "any",
        reply=reply,
        on_reject=lambda refusal: _tell(refusal_line(refusal)),
    )
    return make_server(host, port, app, threaded=True, request_handler=_SilentHandler)


def front_page(host: str, port: int) -> str:
    """The URL of the welcome page."""
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def serve(host: str, port: int, database: str, write_keys: list[str], reply: ReplyMode) -> None:
    """Serve until interrupted.

    :raises sqlite3.Error: where the database cannot be opened.
    :raises ValueError: for a blank write key.
    """
    with SQLite(database) as store:
        server = make_welcome_server(host, port, store, write_keys, reply)
        _tell(f"pixelmw collects into {database}; open {front_page(host, server.port)} and stop with Ctrl-C")
        server.serve_forever()  # returns at Ctrl-C, with the server closed
    _tell("stopped")
