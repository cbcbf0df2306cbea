"""Each broken sink fails at the point of the contract that it breaks, in words that say what to do."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import pytest

from pixelmw.testing import check_sink
from tests.support import broken_batches, broken_sinks, broken_threads
from tests.support.broken_sinks import MOST_CHARS, Store


class Case(NamedTuple):
    """A broken sink, the points that it fails at, and what it is told at the first of them.

    :ivar flags: those that it needs beside ``break_it`` and ``refuses``; ``None`` for a sink that has neither.
    """

    sink: type[Store]
    points: list[str]
    told: str
    flags: dict[str, Any] | None = {}  # noqa: RUF012 - nobody changes it


AT_ONCE = "an event is stored when its call returns"
TYPES = "every type of event comes back as it was"
LARGE = "what is large is stored whole or refused"
LEFT = "what it is given is left as it was"
COPIES = "what happens to an event after the call does not reach the store"
BATCH = "a batch is stored whole and in order"
LIST = "the list of a batch is neither changed nor kept"
BLAME = "a failure of a batch names the events that are not stored"
TOGETHER = "threads may call it at the same time"
ANYWHERE = "a thread may be interrupted anywhere in a call"
ALONE = "what it never takes is refused alone"
DOWN = "while it is down it raises and loses nothing"
SHOWS = "what it raises shows nothing of the event"
CHILD = "a child process stores as its parent does"
FLUSH = "flush tells the truth and keeps to its time"
CLOSE = "it can be closed twice and used again"
TURNS = "visitors and a worker and close may meet"
AMONG = "what it never takes is refused alone among threads"
HEARS = "while it is down each thread hears of it"
HANGS = "while a call hangs nobody waits for ever"
FORK = "a fork in the middle of a call loses nothing"

# What is broken with one thread is put to the points about threads only where one of these is to find it, too: they
# take most of the time.
OF_THREADS = {TOGETHER, ANYWHERE, TURNS, HEARS, HANGS, FORK}

CASES = [
    Case(
        broken_sinks.Swallows,
        [DOWN, HEARS],
        "raised nothing while it was down. Let what the destination raised come out",
    ),
    Case(broken_sinks.SwallowsTypes, [TYPES, BATCH], r"the page event 'Shoes' .* is lost: .* its call returned"),
    Case(
        broken_batches.Mutates,
        [LEFT, LIST],
        r"was changed by the call.*context\.ip: it was '203.0.113.7', it is",
    ),
    Case(
        broken_batches.Sorts,
        [BATCH, TURNS],
        r"came back in another order.*Store them in the order of the calls",
    ),
    Case(broken_sinks.LiesAboutFlush, [FLUSH], r"is lost: .* flush returned True. Let flush wait until", None),
    Case(
        broken_sinks.BelongsToAThread,
        [TOGETHER, ANYWHERE, AMONG, HEARS, HANGS, TURNS],
        r"a lock, or a connection for each thread",
    ),
    Case(
        broken_sinks.DiesAfterFork, [CHILD, FORK], r"the thread is gone.*remember os\.getpid", {"survives_fork": True}
    ),
    Case(broken_sinks.Truncates, [LARGE, BLAME], r"properties\.text: cut to 255 of 20000 characters", None),
    Case(broken_sinks.StoresTwice, [], r"is there twice, and was given once. Store it once in each call"),
    Case(broken_batches.BlamesTheNext, [BLAME, ALONE], r"names number 0 of 6, but number 0 of 6 is stored"),
    Case(broken_batches.CountsFromOne, [BLAME, ALONE], r"\b6 of a batch of 6, which ends at 5\. Count from 0"),
    Case(
        broken_batches.RaisesHalfway,
        [BLAME, ALONE],
        r"write raised Undeliverable.*store all or none, or raise PartialFai",
    ),
    Case(broken_batches.KeepsAReference, [COPIES, LIST], r"keeps a reference\. Keep the text, json\.dumps", None),
    Case(broken_batches.KeepsTheList, [LIST], r"emptied after write had returned.*keeps a reference", None),
    Case(broken_sinks.Coroutine, [], r"returned a coroutine, which nobody runs: write it with def"),
    Case(broken_sinks.ClosesForEver, [CLOSE, TURNS], r"after close, .*it is closed.*Open it again with the next event"),
    Case(
        broken_batches.CallsOutagesUndeliverable,
        [DOWN, HEARS],
        r"this event, for ever.*Raise pixelmw\.sinks\.Unavailable",
    ),
    Case(broken_batches.LosesAfterAFailure, [DOWN, HEARS], r"is lost"),
    Case(broken_batches.Quotes, [SHOWS], r"Undeliverable shows its userId.*Say what is wrong in words of your own"),
]


def told(sink: Any, **flags: Any) -> str:
    """What the contract says of *sink*."""
    with pytest.raises(AssertionError) as caught:
        check_sink(lambda: sink, sink.read_back, **flags)
    return str(caught.value)


def points_of(report: str) -> list[str]:
    return re.findall(r"^\d+\. (.*)$", report, re.MULTILINE)


# Each puts a sink through the whole contract, which takes some seconds: the quick suite has one of them.
QUICK = {broken_batches.Mutates}


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, marks=[] if case.sink in QUICK else pytest.mark.slow) for case in CASES],
    ids=[case.sink.__name__ for case in CASES],
)
def test_a_broken_sink_fails_where_it_is_broken_and_is_told_what_to_do(case: Case) -> None:
    sink = case.sink()
    trouble: dict[str, Any] = {"break_it": sink.down, "refuses": {"properties": {"text": "x" * MOST_CHARS}}}
    threads = {"thread_safe": not OF_THREADS.isdisjoint(case.points), "interruptible": False}
    report = told(sink, **threads, **({} if case.flags is None else trouble | case.flags))
    found = [point for point in points_of(report) if point != TOGETHER or point in case.points]
    # Whether events of several threads meet in one write is chance.
    certain = [point for point in case.points if point != AMONG]
    assert not case.points or [point for point in found if point != AMONG] == certain
    assert re.search(case.told, report, re.DOTALL), report
    assert len(report) < 8000  # somebody reads it


@pytest.mark.slow
@pytest.mark.parametrize("kind", [broken_threads.Races, broken_threads.RacesInOneLine, broken_sinks.LiesAboutFlush])
def test_what_depends_on_threads_is_found_each_time(kind: type[Any]) -> None:
    lies = kind is broken_sinks.LiesAboutFlush
    for _ in range(3):
        found = points_of(told(kind(), thread_safe=not lies, interruptible=False))
        assert (FLUSH if lies else ANYWHERE) in found
        assert set(found) <= {FLUSH, TOGETHER, ANYWHERE}


@pytest.mark.slow
def test_a_flush_that_never_returns_is_ended_and_told_once() -> None:
    report = told(broken_sinks.Hangs())
    assert report.count("flush(10) did not return within 13 seconds. Let it wait no longer than told") == 1
    assert "a call of it hung before" in report.partition("not checked:")[2]


@pytest.mark.slow
def test_one_error_has_all_deviations_and_what_was_not_checked() -> None:
    class Both(broken_batches.Mutates, broken_sinks.Truncates):
        """Mutates and truncates."""

    report = told(Both(), thread_safe=False)
    assert set(points_of(report)) >= {LARGE, LEFT, LIST}
    assert "breaks" in report.partition("\n")[0]
    skipped = report.partition("not checked:")[2]
    assert "survives_fork=False" in skipped
    assert "break_it=None" in skipped
    assert "thread_safe=False" in skipped


@pytest.mark.slow
def test_a_store_in_order_passes_with_every_flag() -> None:
    sink = Store()
    check_sink(lambda: sink, sink.read_back, break_it=sink.down, refuses={"properties": {"text": "x" * MOST_CHARS}})
