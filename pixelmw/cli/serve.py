"""The command ``python -m pixelmw serve``: a development server that reports what becomes of each pixel."""

from __future__ import annotations

import argparse
import logging
import os
import threading
from contextlib import nullcontext
from typing import TYPE_CHECKING

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from ..live import LiveView
from ..middleware import PixelMiddleware
from ..replies import REPLIES, ReplyMode
from ..schema import TrackingPlan
from ..sinks import SQLite
from .explain import explaining
from .lines import near_miss_line
from .parser import count, seconds
from .report import Report, ReportingView, said_already
from .users_app import load_users_app
from .welcome import welcome_app

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from .parser import Commands

_DATABASE = "pixelmw.db"
_POLL_INTERVAL = 0.1  # seconds after which the server sees that it is to stop
_LAST_ANSWERS = 5.0  # seconds that the answers under way have, once it is decided how the command ends

_DESCRIPTION = (
    "Collect into an SQLite database, on a development server with a page to try it and a live view; or serve an "
    "application of your own with a live view on top. With --expect, ends with 0 once so many events were stored and "
    "nothing went wrong, else with 1."
)
_EXAMPLES = (
    "python -m pixelmw serve",
    "python -m pixelmw serve --app myapp:app",
    "python -m pixelmw serve --app myapp:app --json --expect 3 --timeout 30",
)


def add_serve(commands: Commands) -> None:
    """Add the command ``serve``."""
    command = commands.add_parser(
        "serve",
        help="collect on a development server, and see what becomes of each pixel",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    command.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    command.add_argument(
        "--port", type=int, default=8000, help="port to listen on; 0 for any that is free (default: %(default)s)"
    )
    command.add_argument(
        "--app",
        metavar="MODULE:NAME",
        help="serve this WSGI application, with its own pixels; its events go to its own sink, unless --db is given "
        "(default: $PIXELMW_APP, or a page to try pixels)",
    )
    command.add_argument(
        "--db", metavar="FILE", help=f"SQLite database to store events in (default: {_DATABASE}, or the sink of --app)"
    )
    command.add_argument(
        "--write-key",
        action="append",
        default=[],
        metavar="KEY",
        help="accept this key only; may be repeated (default: any key will do)",
    )
    command.add_argument("--plan", metavar="PATH", help="a tracking plan: events that it does not accept are refused")
    command.add_argument("--reply", choices=list(REPLIES), help="how to answer (default: gif)")
    command.add_argument(
        "--json",
        action="store_true",
        help="print each stored event as a line of JSON on standard output, and each refusal on standard error",
    )
    command.add_argument("--expect", type=count, metavar="N", help="end once N events were stored, or one went wrong")
    command.add_argument("--timeout", type=seconds, metavar="SECONDS", help="end after this time (default: never)")
    command.set_defaults(run=_run_serve)


def _run_serve(arguments: argparse.Namespace) -> int:
    of_the_page = arguments.write_key or arguments.reply or arguments.plan
    if arguments.app is not None and of_the_page:
        raise ValueError("--write-key, --reply and --plan are for the page that serve brings; --app has its own")
    plan = TrackingPlan.load(arguments.plan) if arguments.plan else None
    name: str | None = arguments.app
    if name is None and not of_the_page:
        name = os.environ.get("PIXELMW_APP")
    report = Report(as_json=arguments.json, expect=arguments.expect)
    if name is None:
        database = arguments.db or _DATABASE
        with SQLite(database) as store:
            live = _make_live_view()
            page = make_welcome_app(store, arguments.write_key, arguments.reply or "gif", report, live, plan)
            return _serve(arguments, report, page, live.path, f"collects into {database}")
    with SQLite(arguments.db) if arguments.db else nullcontext() as store_or_none:
        app, live_path, sinks = load_users_app(name, report, _make_live_view, store_or_none)
        where = arguments.db or f"its own sink, {sinks}"
        return _serve(arguments, report, app, live_path, f"serves {name}, whose events go to {where}")


def _serve(arguments: argparse.Namespace, report: Report, app: WSGIApplication, live_path: str, doing: str) -> int:
    """Serve *app* until it is decided how the command ends; returns its exit code."""
    requests, explained = _Requests(), explaining(app, live_path)
    server = make_server(arguments.host, arguments.port, explained, threaded=True, request_handler=requests.handler())
    url = front_page_url(arguments.host, server.port)
    report.say(f"pixelmw {doing}; open {url} or the live view, {url[:-1]}{live_path}, and stop with Ctrl-C")
    _serve_until_decided(server, report, arguments.timeout)
    requests.wait_for_answers(_LAST_ANSWERS)
    report.say("stopped")
    return report.result()


def make_welcome_app(
    store: SQLite,
    write_keys: list[str],
    reply: ReplyMode,
    report: Report,
    live: LiveView,
    plan: TrackingPlan | None = None,
) -> PixelMiddleware:
    """Make the welcome page, with the middleware around it.

    :param store: where the events go.
    :param write_keys: the only keys to accept; if there are none, any key is accepted.
    :param reply: see :class:`pixelmw.PixelMiddleware`.
    :param report: is told what becomes of each request.
    :param plan: see :class:`pixelmw.PixelMiddleware`.
    :raises ValueError: for a blank write key.
    """
    page = welcome_app(
        write_keys[0] if write_keys else "demo",
        str(store.path),
        live.path,
        on_near_miss=lambda path, pixel_path: report.say(near_miss_line(path, pixel_path)),
    )
    return PixelMiddleware(
        page,
        store,
        plan=plan,
        write_keys=write_keys or "any",
        reply=reply,
        on_reject=said_already,
        live=ReportingView(live, report),
    )


def front_page_url(host: str, port: int) -> str:
    """The URL of the front page."""
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _make_live_view() -> LiveView:
    """Make a live view, which logs that it is on; the command says so itself, and where."""
    logger = logging.getLogger("pixelmw.requests")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        return LiveView()
    finally:
        logger.setLevel(before)


class _Requests:
    """Counts the requests whose answers are under way.

    The end of one is when Werkzeug's handler is through with it: where a client goes away at the wrong moment, Werkzeug
    does not close what the application returned.
    """

    def __init__(self) -> None:
        self._under_way = 0
        self._changed = threading.Condition()

    def handler(self) -> type[WSGIRequestHandler]:
        """Make the handler that counts here. It has no access log, which would show query strings and so write keys."""

        requests = self

        class Handler(WSGIRequestHandler):
            def run_wsgi(self) -> None:
                requests._add(1)
                try:
                    super().run_wsgi()
                finally:
                    requests._add(-1)

            def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
                pass

        return Handler

    def wait_for_answers(self, timeout: float) -> None:
        """Wait until every answer was sent, for *timeout* seconds at most."""
        with self._changed:
            self._changed.wait_for(lambda: not self._under_way, timeout)

    def _add(self, number: int) -> None:
        with self._changed:
            self._under_way += number
            self._changed.notify_all()


def _serve_until_decided(server: BaseWSGIServer, report: Report, timeout: float | None) -> None:
    """Serve until it is decided how the command ends, or *timeout* seconds are over, or Ctrl-C."""

    def wait() -> None:
        report.decided.wait(timeout)
        server.shutdown()

    if timeout is not None or report.expect is not None:
        threading.Thread(target=wait, daemon=True).start()
    # On Ctrl-C, and on SIGTERM, which is made the same here, it returns as well, with the server closed.
    server.serve_forever(_POLL_INTERVAL)
