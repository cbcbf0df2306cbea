"""Ten lines of WSGI with a tracking pixel, behind a proxy, for two sources with a write key each.

Run it with ``gunicorn --limit-request-line 8190 bare_wsgi:application``.
"""

import logging
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug.middleware.proxy_fix import ProxyFix

from pixelmw import PixelMiddleware
from pixelmw.sinks import Log

logging.basicConfig(level=logging.INFO)


def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Any WSGI application."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"Hello\n"]


pixel = PixelMiddleware(
    app, Log("events"), write_keys={"key-of-the-site": "site", "key-of-the-newsletter": "newsletter"}
)
application = ProxyFix(pixel)  # outermost, so that context.ip is the visitor's and not the proxy's
