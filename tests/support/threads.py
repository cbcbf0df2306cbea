"""Runs a call on a thread of its own, as a server does with a request."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


def on_a_thread(call: Callable[[], _T]) -> _T:
    """What *call* returns, or raises, on a thread that is not the main one."""
    results: list[_T] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            results.append(call())
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(20)
    if raised:
        raise raised[0]
    return results[0]
