"""Under gevent: what waits outside leaves the hub free, and locks that were made before gevent patched threads work."""

from __future__ import annotations

import pytest

from tests.support.processes import run_measured

_PREFACE = """
import os, signal, sys, threading, time, warnings
from pixelmw.system.fork import ForkSafeLock, PerProcess
from pixelmw.system.threads import call_outside_gevent, pause, outside_gevent

signal.alarm(40)  # what stops all greenlets must not last
before = ForkSafeLock()
native_ident = threading.get_native_id

def make():
    time.sleep(0.05)
    return native_ident()

value = PerProcess(make)
sleep_outside = outside_gevent(time.sleep)
from gevent import monkey
monkey.patch_all()
import gevent

def ticks_beside(*calls):
    ticks, jobs = 0, [gevent.spawn(call) for call in calls]
    while not all(job.ready() for job in jobs):
        gevent.sleep(0.005)
        ticks += 1
    assert all(job.successful() for job in jobs), [job.exception for job in jobs]
    return ticks
"""

_LOCK = """
def hold():
    with before:
        gevent.sleep(0.1)

def hold_otherwise():
    assert before.acquire(5)
    gevent.sleep(0.1)
    before.release()

print(ticks_beside(hold, hold, hold_otherwise) > 3)
"""

_VALUE = """
print(ticks_beside(value.get, value.get, value.get) > 3)
"""

_FORKS = """
def fork():
    if (pid := os.fork()) == 0:
        os._exit(0)
    os.waitpid(pid, 0)

def hold():
    with before:
        gevent.sleep(0.1)

warnings.simplefilter("ignore", DeprecationWarning)
print(ticks_beside(hold, fork, fork) > 3)
"""

_OUTSIDE = """
print(ticks_beside(lambda: sleep_outside(0.1), lambda: call_outside_gevent(lambda: pause(0.1))) > 3)
"""


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(_LOCK, id="a lock that is held while a greenlet sleeps"),
        pytest.param(_VALUE, id="a value whose making waits"),
        pytest.param(_FORKS, id="two forks while a lock is held"),
        pytest.param(_OUTSIDE, id="calls that wait outside"),
    ],
)
def test_other_greenlets_go_on_though_everything_was_made_before_gevent_patched_threads(script: str) -> None:
    assert run_measured(_PREFACE + script) == ["True"]


_THREADS = """
main = native_ident()
inner = lambda: (native_ident(), call_outside_gevent(native_ident))
print(call_outside_gevent(native_ident) == main)  # no greenlet has run yet: there is no hub to keep free
gevent.sleep(0)
first, second = call_outside_gevent(inner)
print(first != main, first == second)
"""


def test_a_call_leaves_the_thread_of_the_hub_and_one_within_it_stays_where_it_is() -> None:
    assert run_measured(_PREFACE + _THREADS) == ["True", "True", "True"]


_ERROR = """
os.dup2(1, 2)  # so that what is printed to stderr is seen
gevent.sleep(0)

def fail():
    raise ValueError("words of the event")

try:
    call_outside_gevent(fail)
except ValueError as error:
    print(error.args == ("words of the event",))
print(call_outside_gevent(lambda: None))
sys.stdout.flush()
"""


def test_what_a_call_raises_reaches_the_caller_and_is_printed_by_nobody() -> None:
    assert run_measured(_PREFACE + _ERROR) == ["True", "None"]


_ENDED = """
gevent.sleep(0)
steps = []

class Flag:
    is_set = False

def give_up():
    steps.append("give up")
    Flag.is_set = True

def call():
    while not Flag.is_set:
        pause(0.001)
    pause(0.05)
    steps.append("end of the call")

def visit():
    try:
        call_outside_gevent(call, give_up)
    except gevent.GreenletExit:
        steps.append("end of the greenlet")

greenlet = gevent.spawn(visit)
gevent.sleep(0.02)
greenlet.kill(block=False)
gevent.sleep(0.02)
greenlet.kill()
print(*steps, sep="\\n")
"""


def test_a_greenlet_that_is_ended_has_the_call_end_and_waits_for_that() -> None:
    assert " ".join(run_measured(_PREFACE + _ENDED)) == "give up end of the call end of the greenlet"
