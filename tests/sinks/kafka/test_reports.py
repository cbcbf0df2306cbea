"""Threads that wait for delivery reports: one of them polls for all."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from pixelmw.sinks.kafka.reports import ExpectedReports, ReportDispatcher
from tests.support.processes import wait_until


class Client:
    """A client library: the thread that polls calls what was put into the queue."""

    def __init__(self) -> None:
        self.queue: queue.Queue[Callable[[], object]] = queue.Queue()
        self.polling: list[threading.Thread] = []
        self.most_polling = 0

    def poll(self, seconds: float) -> None:
        self.polling.append(threading.current_thread())
        self.most_polling = max(self.most_polling, len(self.polling))
        try:
            self.queue.get(timeout=seconds)()
        except queue.Empty:
            pass
        finally:
            self.polling.remove(threading.current_thread())

    def report(self, expected: ExpectedReports[None], place: int) -> None:
        """Put a report into the queue."""
        self.queue.put(partial(expected.add, place, None))


def expecting(count: int) -> ExpectedReports[None]:
    expected: ExpectedReports[None] = ExpectedReports()
    expected.count = count
    return expected


def assert_that_the_next_one_polls(reports: ReportDispatcher, client: Client) -> None:
    """Assert that a thread that comes now gets its report. It is the only one, so it has to poll for that."""
    expected = expecting(1)
    client.report(expected, 0)
    reports.wait(expected, time.monotonic() + 5)
    assert expected.is_complete()


def test_one_thread_polls_for_all_until_it_has_its_reports_and_then_another_does() -> None:
    client = Client()
    reports = ReportDispatcher(client.poll)
    waiting = [expecting(2) for _ in range(8)]
    deadline = time.monotonic() + 20
    with ThreadPoolExecutor(8) as threads:
        ended = {expected: threads.submit(reports.wait, expected, deadline) for expected in waiting}
        wait_until(lambda: len(reports.waiting) == 7)
        (leader,) = set(waiting) - set(reports.waiting)
        first, *others, last = reports.waiting
        for expected in (*others, leader, first, last):
            assert not ended[expected].done()
            for place in (0, 1):
                client.report(expected, place)
            ended[expected].result(5)
    assert client.most_polling == 1
    assert_that_the_next_one_polls(reports, client)


@pytest.mark.parametrize("error", [KeyError, SystemExit])
def test_after_an_error_in_a_poll_another_thread_polls(error: type[BaseException]) -> None:
    client = Client()
    reports = ReportDispatcher(client.poll)
    waiting = [expecting(1), expecting(1)]
    deadline = time.monotonic() + 20

    def fail() -> None:
        raise error

    with ThreadPoolExecutor(2) as threads:
        ended = [threads.submit(reports.wait, expected, deadline) for expected in waiting]
        wait_until(lambda: len(reports.waiting) == 1)
        client.queue.put(fail)
        for expected in waiting:
            client.report(expected, 0)
        errors = [type(one.exception()) for one in ended]
    assert sorted(map(str, errors)) == sorted(map(str, [type(None), type(None) if error is KeyError else error]))
    assert time.monotonic() < deadline - 15


def test_nobody_waits_past_its_deadline_whether_it_polls_or_not() -> None:
    client = Client()
    reports = ReportDispatcher(client.poll)
    start = time.monotonic()
    with ThreadPoolExecutor(2) as threads:
        leader = threads.submit(reports.wait, expecting(1), start + 1.5)
        wait_until(lambda: client.polling)
        reports.wait(expecting(1), start + 0.2)
        assert 0.2 <= time.monotonic() - start < 1.2
        leader.result(5)
    assert 1.5 <= time.monotonic() - start < 2.5
    reports.wait(expecting(1), start)
    assert_that_the_next_one_polls(reports, client)


def test_reports_may_come_before_their_number_is_known() -> None:
    reports = ReportDispatcher(Client().poll)
    expected: ExpectedReports[str] = ExpectedReports()
    expected.add(0, "early")
    expected.count = 1
    start = time.monotonic()
    reports.wait(expected, start + 5)
    assert time.monotonic() - start < 1
    assert expected.reports == {0: "early"}
