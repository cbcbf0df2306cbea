"""What is known of the sink: its state, when it may be called again, and what the log says of it."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable

from ...events import Sink
from ...sinks.base import Unavailable
from ...system.logs import LogThrottle
from ..retry import Retry
from .error_words import ErrorWords
from .proof import MAX_REFUSALS
from .states import SinkState

logger = logging.getLogger("pixelmw.delivery")


class Pause:
    """Seconds in which nothing is tried, whoever is in a hurry.

    :param clock: seconds that only grow.
    """

    def __init__(self, retry: Retry, clock: Callable[[], float]) -> None:
        self._retry = retry
        self._clock = clock
        self._began = self._until = -math.inf

    def begin(self, failures: int, error: Exception | None = None) -> float:
        """Begin a pause after so many *failures* in a row, the last of which was *error*; returns its seconds."""
        retry_after = error.retry_after if isinstance(error, Unavailable) else None
        seconds = self._retry.pause(failures, retry_after)
        self._began = self._clock()
        self._until = self._began + seconds
        return seconds

    def seconds_left(self, longest: float) -> float:
        """Return the seconds until the pause is over; 0 if it is.

        :param longest: seconds that it may last at most.
        """
        return max(0.0, min(self._until, self._began + longest) - self._clock())


class Condition:
    """The state of *sink*, as the calls of one forwarder found it.

    An outage is logged when it begins, then at most once a minute, and when it has ended.

    :param waiting: returns how many events wait, for the log.
    :param tried: returns the events that the sink was given lately, as JSON: no line of the log shows a part of them.
    :ivar state: FLOWING, DOUBTED or DOWN; whether it is HALVING is known by ``BatchSize``.
    :ivar failures: how many calls failed in a row, with nothing taken in between.
    :ivar pause: until when the sink is left alone.
    """

    def __init__(
        self,
        sink: Sink,
        retry: Retry,
        clock: Callable[[], float],
        *,
        waiting: Callable[[], int],
        tried: Callable[[], Iterable[bytes]],
    ) -> None:
        self.state = SinkState.FLOWING
        self.failures = 0
        self.pause = Pause(retry, clock)
        self._sink = sink
        self._clock = clock
        self._waiting = waiting
        self._tried = tried
        self._log_throttle = LogThrottle()
        self._failing_since: float | None = None
        self._is_logged = False  # that it fails

    def note_taken(self, count: int) -> None:
        """Note that the sink took *count* events, which still count as waiting."""
        self.state = SinkState.FLOWING
        self.failures = 0
        since, self._failing_since = self._failing_since, None
        if since is not None and self._is_logged:
            self._is_logged = False
            seconds, waiting = round(self._clock() - since), self._waiting() - count
            logger.warning("%r takes events again, after %d s; %d or more events wait", self._sink, seconds, waiting)

    def note_failure(self, state: SinkState, error: Exception, what: str = "failed") -> float:
        """Note that the sink took nothing, and begin a pause.

        :param what: what the sink did, for the log.
        :returns: the seconds of the pause.
        """
        self.state = state
        self.failures += 1
        if self._failing_since is None:
            self._failing_since = self._clock()
        self._is_logged = self.log(f"{self._sink!r} {what}", self.words_of(error)) or self._is_logged
        return self.pause.begin(self.failures, error)

    def note_refused(self, error: Exception) -> float:
        """Note that the sink refused so many events in a row that it is to blame; returns the seconds of the pause."""
        what = f"refused {MAX_REFUSALS} events in a row, and now and then one is tried; was the destination changed"
        return self.note_failure(SinkState.DOWN, error, f"{what}, or its key?")

    def words_of(self, error: Exception) -> ErrorWords:
        """Return what the log may show of *error*, which the sink raised lately."""
        return ErrorWords(error, self._tried())

    def log(self, what: str, why: ErrorWords) -> bool:
        """Log a failure, at most once a minute for each *what*; returns True if it was logged."""
        if not self._log_throttle.allows(what):
            return False
        logger.warning("%s: %s; %d or more events wait", what, why, self._waiting())
        return True
