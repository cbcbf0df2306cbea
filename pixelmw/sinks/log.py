"""A sink that hands events to a logger."""

from __future__ import annotations

import logging

from ..events import Event
from .encoding import encode
from .errors import Unavailable


class Log:
    """Logs each event as one line of JSON, in ASCII, so that no event can forge a line or hide one.

    It promises what the logger's handlers promise. That is usually not much,
    since ``logging`` swallows their errors. It is meant for development, and for
    loggers whose output is collected.

    :param logger: the logger, or its name.
    :param level: the level to log at, such as ``logging.INFO``.
    :raises Unavailable: when called, if the logger drops that level.
    :raises Undeliverable: when called, if the event is not JSON.
    """

    def __init__(self, logger: logging.Logger | str, level: int = logging.INFO) -> None:
        self.logger = logging.getLogger(logger) if isinstance(logger, str) else logger
        self.level = level

    def __call__(self, event: Event) -> None:
        if not self.logger.isEnabledFor(self.level):
            level = logging.getLevelName(self.level)
            raise Unavailable(f"the logger {self.logger.name!r} drops what is logged at {level}: set its level")
        self.logger.log(self.level, "%s", encode(event, ascii_only=True).decode())
