"""Some hundred thousand requests made of seeds: each gets an answer of the contract, and in any order the same one."""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

import pytest

from tests.support.fuzz import run

STREAMS = 40
# What came of the requests; a 503 would be a fault of ours.
OUTCOMES = {
    ("200", ""),
    ("400", "bad-query"),
    ("400", "invalid"),
    ("401", "unauthorized"),
    ("405", "bad-method"),
    ("414", "too-large"),
}


def assert_all_sorts(outcomes: Counter[tuple[str, str]], requests: int) -> None:
    assert outcomes.total() == requests
    assert outcomes.keys() == OUTCOMES
    assert outcomes["200", ""] > requests / 5


def test_two_thousand_requests_get_an_answer_of_the_contract() -> None:
    assert_all_sorts(run(14, 1000), 2000)


@pytest.mark.slow
def test_four_hundred_thousand_requests_get_an_answer_of_the_contract() -> None:
    workers = min(os.cpu_count() or 1, 8)
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        outcomes = sum(pool.map(run, range(STREAMS), [400_000 // 2 // STREAMS] * STREAMS), Counter[tuple[str, str]]())
    assert_all_sorts(outcomes, 400_000)
