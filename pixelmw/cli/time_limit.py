"""The time-out of a command: a last resort that ends the process, also if somebody's thread or exit handler goes on."""

from __future__ import annotations

import os
import threading
import time
from types import TracebackType
from typing import Self

from ..delivery.at_exit import EXIT_TIMEOUT
from .console import print_line

# What a command has after its time-out to end in order: it says what is left, for which a spool of 1 GiB is read once.
_TIME_TO_END = 10.0  # seconds
# What the exit has once the main thread has ended: our own exit handlers take less.
_TIME_TO_EXIT = EXIT_TIMEOUT + 1.0  # seconds


class TimeLimit:
    """A context manager around a command that is to end by a time, whatever hangs.

    The command looks at the time by itself, and ends in order where it can. This is for what it cannot end: a user's
    module that never comes back, an exit handler, or a thread of a client library for which Python waits at its end.

    :param timeout: seconds that the command may take; ``None`` for any time, and for nothing to be done here.
    :ivar doing: what the command is doing, for the message.
    :ivar code: the exit code of the command.
    """

    def __init__(self, timeout: float | None) -> None:
        self.doing = ""
        self.code = 1
        self._timeout = timeout
        self._is_over = threading.Event()  # the command

    def __enter__(self) -> Self:
        if self._timeout is not None:
            threading.Thread(target=self._watch, args=[self._timeout], name="pixelmw-time-limit", daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._is_over.set()

    def _watch(self, timeout: float) -> None:
        if not self._is_over.wait(timeout + _TIME_TO_END):
            print_line(f"pixelmw: gave up after {timeout:g} s, {self.doing}", error=True)
            os._exit(1)
        threading.main_thread().join()
        time.sleep(_TIME_TO_EXIT)
        os._exit(self.code)
