"""The processor time that calls take, on a machine that has other things to do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

_ROUNDS = 25


def least_times(*calls: Callable[[], object], rounds: int = _ROUNDS) -> Iterator[tuple[float, ...]]:
    """After each round, yield the seconds of processor time that each of *calls* took at least so far.

    The calls take turns. Others on the same core only ever make a call slower, so the least of some rounds is what it
    takes, however busy the machine is.
    """
    least = [float("inf")] * len(calls)
    for _ in range(rounds):
        for place, call in enumerate(calls):
            began = time.thread_time()
            call()
            least[place] = min(least[place], time.thread_time() - began)
        yield tuple(least)


def check_times(holds: Callable[..., bool], *calls: Callable[[], object], rounds: int = _ROUNDS) -> None:
    """Assert that *holds* returns True for the least times of *calls*, after one of *rounds*.

    :param holds: called with as many times, in seconds.
    """
    times: tuple[float, ...] = ()
    for times in least_times(*calls, rounds=rounds):
        if holds(*times):
            return
    words = ", ".join(f"{each * 1000:.2f} ms" for each in times)
    raise AssertionError(f"after {rounds} rounds, the calls took at least {words}")
