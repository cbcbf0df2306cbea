"""What a fallback remembers of an outage of its first sink: whether to call it, and when to try it again.

Rules:

1. The first sink is used until a call of it says that it is down.
2. Then events go to the second sink at once. The first pause lasts a second, and each one after it twice as long, up to
   30 s. A pause is never shorter than the ``retry_after`` of the failure, but at most 900 s.
3. One call finds the pause over, and probes: it calls the first sink. Until it ends, all other events go to the second
   sink. Nobody waits.
4. A call that began before the last change of state changes nothing. Its news is older than what is known.
5. A probe lasts as long as somebody holds its :class:`Attempt`. If something ends the probing call from outside, such
   as a greenlet's timeout, its ``Attempt`` is gone with it, and the next call probes.

===== =================================================================== ===== ======================================
state a call                                                              next  what happens
===== =================================================================== ===== ======================================
used  begins                                                              used  it calls the first sink
used  stored something, or failed without a word on the first sink        used
used  that began in this state finds the first sink down                  away  the first pause begins
away  begins in the pause                                                 away  its events go to the second sink
away  begins after the pause, while nobody probes                         away  it probes
away  begins after the pause, while another one probes                    away  its events go to the second sink
away  that probes stored something                                        used  the next outage begins with 1 s again
away  that probes finds the first sink down                               away  the next pause begins, twice as long
away  that probes failed without a word on the first sink, or was ended   away  the next call probes
any   that began before the state changed ends                            same
===== =================================================================== ===== ======================================
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable

_FIRST_PAUSE = 1.0  # seconds; a broker's election or a restart lasts about as long
# Seconds. One probe costs one visitor a timeout, ten seconds by default: then that is a quarter of one thread's time.
_LONGEST_PAUSE = 30.0
# Seconds; as with delivery.Retry: a destination may ask for days by mistake, and is to be found again within a quarter
# of an hour.
_LONGEST_RETRY_AFTER = 900.0


class Attempt:
    """The right to call the first sink, as long as somebody holds it."""

    __slots__ = ("__weakref__",)


class _Away:
    """The first sink is down.

    :param since: when that was found, in seconds of the clock.
    :param pause: seconds of the last pause, if ``retry_after`` has not made it longer.
    :param until: when that pause is over.
    """

    __slots__ = ("given_to_second", "pause", "probe", "since", "until")

    def __init__(self, since: float, pause: float, until: float, given_to_second: int = 0) -> None:
        self.since = since
        self.pause = pause
        self.until = until
        self.given_to_second = given_to_second
        self.probe: weakref.ref[Attempt] | None = None

    def is_probed_by(self, attempt: Attempt | None) -> bool:
        """Return True if *attempt* is the probe; given ``None``, return True if nobody probes."""
        return (None if self.probe is None else self.probe()) is attempt


class Outage:
    """The memory of one process, for all its threads and greenlets; nobody waits for anybody here.

    A child makes a memory of its own, so the lock is an ordinary one. No line waits for anything while it is held.

    :param clock: gives seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._state: Attempt | _Away = Attempt()  # while the first sink is used, that of all calls
        self._given_to_second = 0

    def begin(self) -> Attempt | None:
        """Begin a call: return the attempt at the first sink, or ``None`` if the second one is to be called at once."""
        state = self._state
        if isinstance(state, Attempt):
            return state
        with self._lock:
            state = self._state
            if isinstance(state, Attempt):
                return state
            if self._clock() < state.until or not state.is_probed_by(None):
                return None
            attempt = Attempt()
            state.probe = weakref.ref(attempt)
            return attempt

    def note_stored(self, attempt: Attempt) -> tuple[float, int] | None:
        """Note that the first sink stored something.

        :returns: if that ends an outage, how many seconds it lasted, and how many events the second sink was given.
        """
        if attempt is self._state:
            return None
        with self._lock:
            state = self._state
            if isinstance(state, Attempt) or not state.is_probed_by(attempt):
                return None
            self._state = Attempt()
            return self._clock() - state.since, state.given_to_second

    def note_down(self, attempt: Attempt, retry_after: float | None) -> float | None:
        """Note that the first sink is down.

        :param retry_after: seconds that it asked for.
        :returns: if that begins an outage, the seconds of the first pause.
        """
        with self._lock:
            state, now = self._state, self._clock()
            if isinstance(state, _Away):
                if state.is_probed_by(attempt):
                    pause = min(state.pause * 2, _LONGEST_PAUSE)
                    until = now + _at_least(pause, retry_after)
                    self._state = _Away(state.since, pause, until, state.given_to_second)
                return None
            if attempt is not state:
                return None
            seconds = _at_least(_FIRST_PAUSE, retry_after)
            self._state = _Away(now, _FIRST_PAUSE, now + seconds)
            return seconds

    def count(self, events: int) -> None:
        """Count *events* that the second sink is given."""
        with self._lock:
            self._given_to_second += events
            if isinstance(self._state, _Away):
                self._state.given_to_second += events

    @property
    def is_on(self) -> bool:
        """True while the first sink counts as down."""
        return isinstance(self._state, _Away)

    @property
    def seconds_left(self) -> float:
        """The seconds until the pause is over; 0 if there is none."""
        state = self._state
        return max(0.0, state.until - self._clock()) if isinstance(state, _Away) else 0.0

    @property
    def given_to_second(self) -> int:
        """How many events the second sink was given, in outages or not."""
        return self._given_to_second


def _at_least(pause: float, retry_after: float | None) -> float:
    return max(pause, min(retry_after or 0.0, _LONGEST_RETRY_AFTER))
