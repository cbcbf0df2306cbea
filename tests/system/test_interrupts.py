"""An exception that arrives from outside, at whatever line, leaves no lock held."""

from __future__ import annotations

from pixelmw.system.fork import ForkSafeLock
from pixelmw.system.logs import LogThrottle
from tests.support import interrupts
from tests.support.interrupts import call_and_interrupt

pytestmark = interrupts.MARKS


def test_a_lock_is_free_after_each_block() -> None:
    lock = ForkSafeLock()

    def use(name: str) -> None:
        with lock:
            str(name)

    assert len(call_and_interrupt(use, rate=2000.0)) > 1000
    assert lock.acquire(timeout=0)


def test_what_is_logged_rarely_is_logged_on() -> None:
    throttle = LogThrottle()
    assert len(call_and_interrupt(throttle.allows, rate=2000.0)) > 1000
    assert throttle.allows("afterwards")
