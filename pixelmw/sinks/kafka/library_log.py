"""What librdkafka says for itself: it goes to a logger once a minute, and the last trouble is kept for our words."""

from __future__ import annotations

import logging
from collections import deque
from typing import Any

from ...system.logs import LogThrottle

# Lines that wait to be logged. A debug session of librdkafka's may say more between two polls; the newest are kept.
_MAX_LINES = 1000
_MAX_CHARS = 500  # of a line


def printable(text: str) -> str:
    """Return what librdkafka or a broker said as it may stand in a log: on one line, in ASCII, and not too long."""
    return ascii(text)[1:-1][:_MAX_CHARS]


class LibraryLog:
    """Stands in for the logger that confluent-kafka calls; safe to share between producers and threads.

    While the brokers are away, librdkafka says so several times a second.
    Warnings and errors are therefore logged once a minute for each kind. What
    is below a warning, somebody asked for: it is logged as it comes.

    :param logger: where the lines go.
    :ivar trouble: the last error that librdkafka told of, or ``None`` since something was stored.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._throttle = LogThrottle()
        self._lines: deque[tuple[int, str, str]] = deque(maxlen=_MAX_LINES)
        self.trouble: str | None = None

    def log(self, level: int, message: str, kind: str, *details: Any) -> None:
        """Note a line. confluent-kafka calls this from within a poll, which may run on a thread of gevent's pool.

        Loggers and their locks belong to the threads that were patched, so they have to wait until the poll is over.
        """
        *_, text = details
        text = printable(str(text))
        self._lines.append((level, kind, text))
        if level >= logging.ERROR:
            self.trouble = text.rpartition("]: ")[2]  # without the name of librdkafka's thread

    def pass_on(self) -> None:
        """Log the lines that were noted."""
        while self._lines:
            try:
                level, kind, text = self._lines.popleft()
            except IndexError:  # another thread was faster
                return
            if level < logging.WARNING or self._throttle.allows(kind):
                self._logger.log(level, "librdkafka: %s: %s", kind, text)
