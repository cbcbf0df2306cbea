"""A tracking pixel for any WSGI application: one line wraps it, and requests for the pixel become events in a sink."""

from ._version import __version__
from .collector import Collector
from .errors import Discard, Rejected
from .events import PATHS, SEGMENT_PATHS, Event, Sink
from .middleware import PixelMiddleware
from .params import Limits
from .schema import TrackingPlan

__all__ = [
    "PATHS",
    "SEGMENT_PATHS",
    "Collector",
    "Discard",
    "Event",
    "Limits",
    "PixelMiddleware",
    "Rejected",
    "Sink",
    "TrackingPlan",
    "__version__",
]
