"""The application with a live view that the real servers run."""

from __future__ import annotations

from pixelmw import PixelMiddleware
from pixelmw.asgi import PixelASGI
from pixelmw.live import LiveView
from tests.support.pixel import host_app
from tests.support.shells import asgi_host

application = PixelMiddleware(host_app, lambda event: None, live=LiveView())
asgi_application = PixelASGI(asgi_host, lambda event: None, live=LiveView())
