"""The log of requests: the logger ``pixelmw.requests``, and the line about a refused request."""

from __future__ import annotations

import logging

from .errors import Rejected
from .text import name_without_value, shortened

logger = logging.getLogger("pixelmw.requests")


def log_rejected(refusal: Rejected) -> None:
    """Log one line about a refused request. It never holds a parameter's value or the write key."""
    where = f" at {name_without_value(refusal.path)}" if refusal.path else ""
    rule = f" ({refusal.rule})" if refusal.rule else ""
    name = f' "{shortened(refusal.planned_name)}"' if refusal.planned_name else ""
    logger.warning("refused a %s event%s: %s%s%s", refusal.event_type, name, refusal.code, where, rule)
