"""Each sink that is broken with several threads fails at the point that it breaks, in words that say what to do."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import pytest

from pixelmw.sinks import fan_out
from pixelmw.testing import check_sink
from tests.support import broken_threads
from tests.support.broken_sinks import MOST_CHARS, Store

# Each puts a sink through the whole contract.
pytestmark = pytest.mark.slow


class Case(NamedTuple):
    """A broken sink, the points that it fails at, what it is told there, and its flags."""

    sink: type[Any]
    points: list[str]
    told: str
    flags: dict[str, Any] = {}  # noqa: RUF012 - nobody changes it


TOGETHER = "threads may call it at the same time"
ANYWHERE = "a thread may be interrupted anywhere in a call"
OUTSIDE = "an exception from outside ends one thread only"
ONE_GUILTY = "what it never takes is refused alone among threads"
ALL_TOLD = "while it is down each thread hears of it"
HANGS = "while a call hangs nobody waits for ever"
LEFT = "what fails is left as it was"
FORK = "a fork in the middle of a call loses nothing"
TURNS = "visitors and a worker and close may meet"

REFUSES = {"refuses": {"properties": {"text": "x" * MOST_CHARS}}}
CASES = [
    Case(broken_threads.Races, [ANYWHERE], r" is lost.*use a lock around what the calls share"),
    Case(broken_threads.RacesInOneLine, [ANYWHERE], r" is lost.*use a lock around what the calls share"),
    Case(
        broken_threads.SharesTheVerdict,
        [ONE_GUILTY],
        r"is refused for what it is, and \d+ others were not stored: .*Undeliverable.*Name the one that is at fault",
        REFUSES,
    ),
    Case(broken_threads.TellsOnce, [ALL_TOLD], r"after it was down for 16 threads, .* is lost", {"down": True}),
    Case(
        broken_threads.WaitsForEver,
        [HANGS],
        r"not answered within 2\.4 seconds\. Let write end within its timeout, which is 0\.2 seconds, and raise Unav",
        {"silent": True},
    ),
    Case(
        broken_threads.TakesApart,
        [LEFT],
        r"when it was refused, .*was changed by the call.*context: it was .*what comes next, such as a fallback",
        REFUSES,
    ),
    Case(broken_threads.LetsSomeWait, [TOGETHER], r"came back in another order.*in the order of the calls"),
    Case(broken_threads.ClosesUnderItsCalls, [TURNS], r"calls raised; .*'NoneType' object has no attribute 'extend'"),
    Case(
        broken_threads.LeavesItsBufferToChildren,
        [FORK],
        r"forked while it stored, .* is there twice",
        {"survives_fork": True},
    ),
    Case(broken_threads.KeepsItsLock, [OUTSIDE], r"\d of 4 hang\. Give back each lock and each connection in finally"),
]


# Before Python 3.12, a thread that hangs after an exception ends the tracing of its whole process: see
# pixelmw/testing/contract/untraced.py. By its name, CI runs that case without the coverage.
@pytest.mark.parametrize(
    "case", CASES, ids=[f"{case.sink.__name__}{'-from_outside' * (OUTSIDE in case.points)}" for case in CASES]
)
def test_a_sink_that_is_broken_with_several_threads_is_told_what_to_do(case: Case) -> None:
    sink = case.sink()
    flags = dict(case.flags)
    if flags.pop("down", False):
        flags["break_it"] = sink.down
    if flags.pop("silent", False):
        flags["hang_it"] = sink.silent
    # Exceptions from outside take their time with each sink, and find what leaves a lock behind: one of these does.
    flags["interruptible"] = OUTSIDE in case.points
    with pytest.raises(AssertionError) as caught:
        check_sink(lambda: sink, sink.read_back, **flags)
    report = str(caught.value)
    found = re.findall(r"^\d+\. (.*)$", report, re.MULTILINE)
    # A race may show wherever threads meet, and does for certain where they are made to.
    by_chance = {TOGETHER, TURNS} if ANYWHERE in case.points else set()
    assert [point for point in found if point not in by_chance] == case.points, report
    assert re.search(case.told, report, re.DOTALL), report
    assert len(report) < 8000  # somebody reads it


def test_a_call_of_its_own_is_told_what_it_gives_up_and_a_wrapper_of_ours_is_not() -> None:
    class OnItsOwn(Store):
        """Stores each event by itself."""

        def __call__(self, event: dict[str, Any]) -> None:
            self.write([event])

    sink = OnItsOwn()
    # The first one is silent, or this test would fail.
    check_sink(lambda: fan_out(sink), sink.read_back, thread_safe=False)
    with pytest.warns(UserWarning, match=r"the __call__ of .*OnItsOwn is its own.*share no write.*Leave it out"):
        check_sink(lambda: sink, sink.read_back, thread_safe=False)
