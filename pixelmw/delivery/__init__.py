"""Takes events at once and gets them to a sink that is slow, far away or down: in memory, or on disk."""

from .background import Background
from .base import Full
from .retry import Retry
from .spool import Spool
from .stats import BackgroundStats, DeliveryStats, SpoolStats

__all__ = ["Background", "BackgroundStats", "DeliveryStats", "Full", "Retry", "Spool", "SpoolStats"]
