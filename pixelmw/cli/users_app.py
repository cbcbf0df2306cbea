"""Takes the application of ``serve --app``, and shows what becomes of its pixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from ..collector import log_rejected
from ..events import Sink
from ..live import LiveView
from .application import load_application, pixels_of
from .report import Report, ReportingView, said_already

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication


class UsersApp(NamedTuple):
    """An application whose pixels are reported.

    :ivar app: the application.
    :ivar live_path: where a live view of it is.
    :ivar sinks: what the sinks of its pixels are, in words.
    """

    app: WSGIApplication
    live_path: str
    sinks: str


def load_users_app(name: str, report: Report, make_live: Callable[[], LiveView], store: Sink | None) -> UsersApp:
    """Load the application that *name* names. A live view of its own stays; without one, it gets one.

    :param name: ``MODULE:NAME``.
    :param report: is told what becomes of each request.
    :param store: where its events go; to its own sink, if it is ``None``.
    :raises ValueError: if there is no such application, or no pixel in it.
    """
    app = load_application("--app", name)
    found = pixels_of("--app", name, app)
    own_sinks = {repr(middleware.collector.sink): None for middleware in found.values()}
    fresh: LiveView | None = None
    for middleware in found.values():
        live = middleware.live or fresh or (fresh := make_live())
        middleware.show_in(ReportingView(live, report))
        if store is not None:
            middleware.collector.sink = store
        if middleware.collector.reporter.on_reject is log_rejected:
            middleware.collector.reporter.on_reject = said_already
    mount, first = next(iter(found.items()))
    live_path = mount + first.live.path if first.live else mount
    return UsersApp(app, live_path, " and ".join(own_sinks))
