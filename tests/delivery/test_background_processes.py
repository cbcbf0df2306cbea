"""Background where processes end, fork, and run under gevent."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest

from pixelmw.delivery import at_exit
from tests.support.forwarding import ids
from tests.support.processes import finish, out, run, start

_PREFACE = """
import ctypes, os, signal, sys, threading, time, warnings
from pathlib import Path
from pixelmw.delivery import Background, at_exit
from tests.support.processes import event, wait_until

warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 and later, on a fork beside threads
signal.alarm(60)
path, parent = sys.argv[1], os.getpid()

def store(event):
    time.sleep(0.005)
    side = "parent" if os.getpid() == parent else "child"
    with open(path, "a") as file:  # one write, in append mode
        file.write(f"{side}-sent-{event['messageId']}\\n")

def put(*ids):
    for each in ids:
        sink(event(each))

def say(*words):
    os.write(1, " ".join(map(str, words)).encode() + b"\\n")

def child(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sent"


def sent(path: Path) -> list[str]:
    return path.read_text().split()


# --- the end of a process ---

_EXITS = """
sink = Background(store, max_delay=1000)
put(*(f"e{number}" for number in range(40)))
"""


@pytest.mark.parametrize(
    "end",
    [
        "",
        "sys.exit()",
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit()); os.kill(parent, signal.SIGTERM)",
        "with sink: pass",
    ],
    ids=["end-of-script", "sys.exit", "SIGTERM", "with"],
)
def test_a_process_that_ends_in_order_first_forwards_what_is_queued(path: Path, end: str) -> None:
    run(_PREFACE + _EXITS + end, path)
    assert sent(path) == [f"parent-sent-{each}" for each in ids(40)]


_NEVER = """
def hangs(event):
    say("hangs")
    threading.Event().wait()

def is_down(event):
    say("is-down")
    raise ConnectionError("down")

at_exit.EXIT_TIMEOUT = 0.5
sinks = [Background(sink, max_delay=0) for sink in (SINK, SINK)]
for sink in sinks:
    put("e0", "e1")
say("end")
"""


@pytest.mark.slow
@pytest.mark.parametrize("sink", ["hangs", "is_down"])
def test_the_end_of_a_process_is_not_delayed_for_ever_by_a_sink_that_hangs_or_is_down(path: Path, sink: str) -> None:
    """Nor is it delayed once for each."""
    process = start(_PREFACE + _NEVER.replace("SINK", sink), path)
    while out(process).readline() != "end\n":
        pass
    started = time.monotonic()
    _, errors = process.communicate(timeout=40)
    assert 0.3 < time.monotonic() - started < 5
    assert process.returncode == 0
    assert errors.count("was closed with 2 events in its queue") == 2


def test_the_deadline_is_the_one_that_the_documentation_tells() -> None:
    assert at_exit.EXIT_TIMEOUT == 5


# --- fork ---

_FORK = """
class Sink:
    def __call__(self, event):
        store(event)

    def close(self, timeout):
        say("closed-in", "parent" if os.getpid() == parent else "child")

sink = Background(Sink(), max_delay=1000)
"""
_FORK_BESIDE_THE_THREAD = """
put("before-1", "before-2")
pid = os.fork()
"""
# In C, as uWSGI does. Python survives that only while no thread is about to take the GIL, so the one that forwards has
# to be asleep: what is known about it, the number of its context switches included, stays the same.
_FORK_PAST_HOOKS = """
put("before-1", "before-2")
looks = []

def asleep():
    threads = [each for each in Path("/proc/self/task").iterdir() if each.name != str(parent)]
    looks.append([(each / "status").read_text() for each in threads])
    return len(looks) >= 8 and all(look == looks[-1] for look in looks[-8:])

wait_until(asleep)
pid = ctypes.PyDLL(None).fork()
"""
_BOTH_SIDES = """
if pid == 0:
    CHILD
put("after")
assert sink.flush(20)
say("child-ended-with", child(pid))
"""
_QUEUES = """put("child-1", "child-2")
    assert sink.stats()["queued"] == 2
    """
_PARENTS = ["parent-sent-before-1", "parent-sent-before-2", "parent-sent-after"]
_FORKS = pytest.mark.parametrize("fork", [_FORK_BESIDE_THE_THREAD, _FORK_PAST_HOOKS], ids=["fork", "fork-past-hooks"])


@_FORKS
@pytest.mark.parametrize("end", ["sys.exit()", "os._exit(not sink.flush(20))", "sink.close(20); os._exit(0)"])
def test_a_child_has_a_queue_and_a_thread_of_its_own_and_its_parents_events_are_sent_once(
    path: Path, fork: str, end: str
) -> None:
    words = run(_PREFACE + _FORK + fork + _BOTH_SIDES.replace("CHILD", _QUEUES + end), path)
    assert words[words.index("child-ended-with") + 1] == "0"
    assert [each for each in sent(path) if each.startswith("parent")] == _PARENTS
    assert [each for each in sent(path) if not each.startswith("parent")] == [
        "child-sent-child-1",
        "child-sent-child-2",
    ]


@_FORKS
def test_a_child_that_queues_nothing_sends_nothing_and_leaves_the_sink_open(path: Path, fork: str) -> None:
    words = run(_PREFACE + _FORK + fork + _BOTH_SIDES.replace("CHILD", "sys.exit()"), path)
    assert "closed-in child" not in " ".join(words)
    assert words[-4:] == ["child-ended-with", "0", "closed-in", "parent"]
    assert sent(path) == _PARENTS


_FORKS_UNDER_LOAD = """
sink = Background(lambda event: store(event), max_delay=0.01, max_batch=50)
done = threading.Event()
counts = [0] * 4

def load(thread):
    while not done.is_set():
        put(f"{thread}-{counts[thread]}")
        counts[thread] += 1
        time.sleep(0.001)

threads = [threading.Thread(target=load, args=(thread,)) for thread in range(4)]
for thread in threads:
    thread.start()
for number in range(12):
    pid = os.fork()
    if pid == 0:
        put(f"fork-{number}")
        os._exit(not sink.flush(20))
    assert child(pid) == 0
done.set()
for thread in threads:
    thread.join()
assert sink.flush(30)
say(*counts)
"""


@pytest.mark.slow
def test_forks_beside_busy_threads_hang_nobody_and_lose_nothing(path: Path) -> None:
    counts = run(_PREFACE.replace("0.005", "0.0001") + _FORKS_UNDER_LOAD, path)
    parents = [f"{thread}-{number}" for thread in range(4) for number in range(int(counts[thread]))]
    assert len(parents) > 50
    expected = [f"parent-sent-{each}" for each in parents] + [f"child-sent-fork-{number}" for number in range(12)]
    assert Counter(sent(path)) == Counter(expected)


# --- gevent ---

_GEVENT = """
from gevent import monkey
monkey.patch_all()
"""
_GREENLETS = """
import gevent

sink = Background(store, max_queue=200)
gevent.joinall([gevent.spawn(put, f"a{number}") for number in range(50)])
assert sink.flush(20)
say(sink.stats()["forwarded"])
gevent.joinall([gevent.spawn(put, f"b{number}") for number in range(50)])
hub_runs = gevent.spawn(lambda: [time.sleep(0.001) or number for number in range(10)])
assert not sink.flush(0.001)
say(len(hub_runs.get()))
"""


def test_with_gevents_monkey_patching_events_are_forwarded_and_flush_and_exit_work(path: Path) -> None:
    assert run(_GEVENT + _PREFACE + _GREENLETS, path) == ["50", "10"]
    assert sorted(sent(path)) == sorted(f"parent-sent-{each}" for each in [*ids(50, "a"), *ids(50, "b")])


@pytest.mark.slow
def test_with_gevents_monkey_patching_the_end_is_not_delayed_for_ever_either(path: Path) -> None:
    process = start(_GEVENT + _PREFACE + _NEVER.replace("SINK", "is_down"), path)
    finish(process, timeout=20)
