"""The command ``python -m pixelmw serve``: a server that stores events in a database and prints a line for each."""

from __future__ import annotations

import time

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from ..errors import Rejected
from ..events import Event
from ..middleware import PixelMiddleware
from ..replies import ReplyMode
from ..schema import TrackingPlan
from ..sinks import SQLite
from ..text import name_without_value, shortened
from .console import print_line
from .welcome import welcome_app


class _SilentHandler(WSGIRequestHandler):
    """Werkzeug's handler without its access log, which shows query strings and so write keys."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def event_line(event: Event) -> str:
    """A line for the terminal about a stored event."""
    label = event.get("event") or event.get("name") or ""
    who = event.get("userId") or event.get("anonymousId")
    return _terminal_line(
        "stored",
        event["type"],
        shortened(f"{label}"),
        f"by {shortened(str(who))}",
        f"id {shortened(event['messageId'])}",
    )


def refusal_line(refusal: Rejected) -> str:
    """A line for the terminal about a refused request; it shows no parameter's value."""
    where = f"at {name_without_value(refusal.path)}" if refusal.path else ""
    return _terminal_line(
        "refused",
        str(refusal.event_type),
        shortened(refusal.planned_name or ""),
        refusal.code,
        where,
        f"({refusal.rule})" if refusal.rule else "",
    )


def _terminal_line(outcome: str, *parts: str) -> str:
    """The time, the outcome and the *parts* that are not empty."""
    return " ".join(part for part in (time.strftime("%H:%M:%S"), f"{outcome:8}", *parts) if part)


def near_miss_line(path: str, pixel_path: str) -> str:
    """A line for the terminal about a request to *path*, which is not *pixel_path*, but looks like it."""
    return _terminal_line("passed", shortened(path), f"to the application: the pixel's path is {pixel_path}")


def make_welcome_server(
    host: str, port: int, store: SQLite, write_keys: list[str], reply: ReplyMode, plan: TrackingPlan | None = None
) -> BaseWSGIServer:
    """Make a threaded server for the welcome page, with the middleware around it.

    :param port: 0 for any that is free.
    :param store: where the events go.
    :param write_keys: the only keys to accept; if there are none, any key is accepted.
    :param reply: see :class:`pixelmw.PixelMiddleware`.
    :param plan: see :class:`pixelmw.PixelMiddleware`.
    :raises ValueError: for a blank write key.
    :raises SystemExit: if it cannot listen on the address; Werkzeug has then printed why.
    """

    def sink(event: Event) -> None:
        store(event)
        print_line(event_line(event))

    app = PixelMiddleware(
        welcome_app(
            write_keys[0] if write_keys else "demo",
            str(store.path),
            on_near_miss=lambda path, pixel_path: print_line(near_miss_line(path, pixel_path)),
        ),
        sink,
        plan=plan,
        write_keys=write_keys or "any",
        reply=reply,
        on_reject=lambda refusal: print_line(refusal_line(refusal)),
    )
    return make_server(host, port, app, threaded=True, request_handler=_SilentHandler)


def front_page_url(host: str, port: int) -> str:
    """The URL of the welcome page."""
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def serve(
    host: str, port: int, database: str, write_keys: list[str], reply: ReplyMode, plan: TrackingPlan | None = None
) -> None:
    """Serve until interrupted; the arguments are those of :func:`make_welcome_server`.

    :param database: the SQLite file to store in; it is made if it does not exist.
    :raises sqlite3.Error: if the database cannot be opened.
    :raises ValueError: for a blank write key.
    :raises SystemExit: if it cannot listen on the address; Werkzeug has then printed why.
    """
    with SQLite(database) as store:
        server = make_welcome_server(host, port, store, write_keys, reply, plan)
        print_line(f"pixelmw collects into {database}; open {front_page_url(host, server.port)} and stop with Ctrl-C")
        server.serve_forever()  # returns at Ctrl-C, with the server closed
    print_line("stopped")
