"""Takes events at once and gets them to a sink that is slow, far away or down: in memory, or on disk."""

from .background import Background
from .retry import Retry
from .spool import Spool

__all__ = ["Background", "Retry", "Spool"]
