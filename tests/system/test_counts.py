"""Outcomes are counted once each, also from many threads at once."""

from __future__ import annotations

import threading

from pixelmw.system.counts import OutcomeCounts


def test_many_threads_lose_no_outcome() -> None:
    counts = OutcomeCounts()

    def add() -> None:
        for _ in range(3000):
            counts.add("accepted")
            counts.add("invalid")

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert counts.counts() == {"accepted": 12_000, "invalid": 12_000}


def test_each_reading_has_what_was_added_before() -> None:
    counts = OutcomeCounts()
    assert counts.counts() == {}
    for number in range(1, 4):
        counts.add("accepted")
        assert counts.counts() == {"accepted": number}
