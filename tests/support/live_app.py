"""The application with a live view that the real servers run."""

from __future__ import annotations

from pixelmw import PixelMiddleware
from pixelmw.live import LiveView
from tests.support.pixel import host_app

application = PixelMiddleware(host_app, lambda event: None, live=LiveView())
