"""What a fallback remembers of an outage of its first sink: whether to call it, and when to try it again.

Rules:

1. The first sink is used until a call of it says that it is down.
2. Then events go to the second sink at once. The first pause lasts a second, and each one after it twice as long, up to
   30 s. A pause is never shorter than the ``retry_after`` of the failure, but at most 900 s.
3. One call finds the pause over, and probes: it calls the first sink. Until it ends, all other events go to the second
   sink. Nobody waits.
4. A call that began before the last change of state changes nothing. Its news is older than what is known.
5. An :class:`Attempt` is made before the ``try`` of a call, and what ends the call sets ``has_left`` there, whatever it
   is. If that was a probe, the next call probes.

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
from collections.abc import Callable

_FIRST_PAUSE = 1.0  # seconds; a broker's election or a restart lasts about as long
# Seconds. One probe costs one visitor a timeout, ten seconds by default: then that is a quarter of one thread's time.
_LONGEST_PAUSE = 30.0
# Seconds; as with delivery.Retry: a destination may ask for days by mistake, and is to be found again within a quarter
# of an hour.
_LONGEST_RETRY_AFTER = 900.0


class Attempt:
    """A call of the fallback.

    :ivar state: the state in which it began to call the first sink.
    :ivar has_left: True once it does not call the first sink any more.
    """

    __slots__ = ("has_left", "state")

    def __init__(self) -> None:
        self.has_left = False
        self.state: _Used | _Away | None = None


class _Used:
    """The first sink is used."""


class _Away:
    """The first sink is down.

    :ivar since: when that was found, in seconds of the clock.
    :ivar pause: seconds that the pause lasts, if ``retry_after`` has not made it longer.
    :ivar until: when the pause is over.
    :ivar given_to_second: how many events the second sink was given since.
    :ivar probe: the last call that probed, if any has.
    """

    __slots__ = ("given_to_second", "pause", "probe", "since", "until")

    def __init__(self, since: float, pause: float, until: float, given_to_second: int) -> None:
        self.since = since
        self.pause = pause
        self.until = until
        self.given_to_second = given_to_second
        self.probe: Attempt | None = None


class Outage:
    """The memory of one process, for all its threads and greenlets.

    A child makes a memory of its own, so the lock is an ordinary one. No line waits for anything while it is held, and
    a handler of a signal may store something in the middle of one.

    :param clock: gives seconds that only grow.
    :ivar given_to_second: how many events the second sink was given in this process.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.given_to_second = 0
        self._clock = clock
        self._lock = threading.RLock()
        self._state: _Used | _Away = _Used()

    def begin(self, attempt: Attempt) -> bool:
        """Begin a call; returns True if it is to call the first sink, and False if its events go to the second one."""
        state = self._state
        if isinstance(state, _Away):
            with self._lock:
                state = self._state
                if isinstance(state, _Away):
                    is_probed = state.probe is not None and not state.probe.has_left
                    if is_probed or self._clock() < state.until:
                        return False
                    state.probe = attempt
        attempt.state = state
        return True

    def note_stored(self, attempt: Attempt) -> tuple[float, int] | None:
        """Note that the first sink stored something.

        :returns: if that ends an outage, how many seconds it lasted, and how many events the second sink was given.
        """
        if isinstance(self._state, _Used):
            return None
        with self._lock:
            state = self._state
            if isinstance(state, _Used) or attempt.state is not state:
                return None
            self._state = _Used()
            return self._clock() - state.since, state.given_to_second

    def note_down(self, attempt: Attempt, retry_after: float) -> float | None:
        """Note that the first sink is down.

        :param retry_after: seconds that it asked for.
        :returns: if that begins an outage, the seconds of the first pause.
        """
        with self._lock:
            state, now = self._state, self._clock()
            if attempt.state is not state:
                return None
            pause = _FIRST_PAUSE if isinstance(state, _Used) else min(state.pause * 2, _LONGEST_PAUSE)
            seconds = max(pause, min(retry_after, _LONGEST_RETRY_AFTER))
            if isinstance(state, _Used):
                self._state = _Away(now, pause, now + seconds, 0)
                return seconds
            self._state = _Away(state.since, pause, now + seconds, state.given_to_second)
            return None

    def count(self, events: int) -> None:
        """Count *events* that the second sink is given."""
        with self._lock:
            self.given_to_second += events
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
