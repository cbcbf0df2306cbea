"""Makes two threads meet at every place of a sink's code, in place of waiting for the day on which they do.

One thread is stopped in front of one bytecode instruction of a call, another thread makes a whole call, and the first
one goes on. That is done for each instruction in turn. So a race of two calls that needs one switch of threads is found
for certain, and it is the same on each run.

==================  ===============================================  ============================
the first thread    the second thread                                then
==================  ===============================================  ============================
runs                                                                 it counts its instructions
stops at number k   begins a call                                    it waits for the second one
stopped             ends its call                                    it goes on
stopped             waits, probably for a lock of the first one      it goes on after a moment
has ended           ends its call                                    the next k
==================  ===============================================  ============================
"""

from __future__ import annotations

import dis
import inspect
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

#: Instructions of a call that are tried. Of a longer call, it is as many, evenly spread.
MOST_POINTS = 200
# Seconds for all of them: a sink that syncs a disk takes some milliseconds for each call.
_BUDGET = 3.0
# Instructions that move values between a frame's own variables and its stack, or that jump.
_LOCAL = (
    *("LOAD_FAST", "STORE_FAST", "LOAD_CONST", "POP_", "PUSH_", "COPY", "SWAP", "BUILD_", "RETURN_", "JUMP_", "RESUME"),
    *("NOP", "CACHE", "PRECALL", "KW_NAMES", "EXTENDED_ARG", "MAKE_", "IS_OP", "END_FOR", "TO_BOOL", "RERAISE"),
)
# Seconds for which the first thread stays stopped while the second does not come to an end: three calls' worth. A
# shorter one would go on before a slow call has met anything; a longer one only waits for the lock that it holds.
_LEAST_STOP, _MOST_STOP, _CALLS_WORTH = 0.003, 0.25, 3
_LIMIT = 30.0  # seconds for a thread to end
#: Seconds for which a thread keeps the interpreter, unless it waits: with this as the interval, a thread of the sink's
#: gets on only while flush waits for it, or while the store is read.
UNDISTURBED = 5.0

_Trace = Callable[[FrameType, str, Any], Any]


@contextmanager
def switch_interval(seconds: float) -> Iterator[None]:
    """Let the interpreter ask a running thread to let others run after so many seconds; 0.005 is usual."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(seconds)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


class Stopper:
    """Stops a call of *sink* in front of one of its instructions.

    Only code of the sink's own is looked at: the files of its classes, and whatever is neither Python's nor installed.
    """

    def __init__(self, sink: object) -> None:
        self._own_files = _files_of(sink)
        paths = sysconfig.get_paths()
        self._foreign = tuple({paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")})
        self._is_own: dict[CodeType, bool] = {}
        self._bytes: dict[CodeType, bytes] = {}

    def run(self, call: Callable[[], object], at: int | None, on_stop: Callable[[], object]) -> int:
        """Make *call*; call *on_stop* in front of its instruction number *at*. Returns how many it had."""
        count = 0

        def trace_call(frame: FrameType, event: str, arg: Any) -> _Trace | None:
            if not self._owns(frame.f_code):
                return None
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
            return trace_instruction

        def trace_instruction(frame: FrameType, event: str, arg: Any) -> _Trace:
            nonlocal count
            if event == "opcode" and self._touches_more_than_locals(frame):
                if count == at:
                    on_stop()
                count += 1
            return trace_instruction

        usual = sys.gettrace()
        sys.settrace(trace_call)
        try:
            call()
        finally:
            sys.settrace(usual)
        return count

    def _touches_more_than_locals(self, frame: FrameType) -> bool:
        """Return False for an instruction that no other thread can notice: a stop at the next one is the same."""
        code = frame.f_code
        if code not in self._bytes:
            self._bytes[code] = code.co_code  # made anew each time
        return not dis.opname[self._bytes[code][frame.f_lasti]].startswith(_LOCAL)

    def _owns(self, code: CodeType) -> bool:
        if code not in self._is_own:
            file = code.co_filename
            # A file like "<string>" belongs to what dataclasses and the like have made.
            outside = not file.startswith((*self._foreign, "<")) and file not in _OUR_FILES
            self._is_own[code] = file in self._own_files or outside
        return self._is_own[code]


def _files_of(sink: object) -> set[str]:
    """Return the files with the code of the sink: of its function, or of its classes."""
    function = inspect.unwrap(getattr(sink, "__func__", sink))  # type: ignore[arg-type]  # a sink is callable
    if isinstance(code := getattr(function, "__code__", None), CodeType):
        return {code.co_filename}
    files = set()
    for cls in type(getattr(sink, "__self__", sink)).__mro__[:-1]:
        for member in vars(cls).values():
            if isinstance(code := getattr(member, "__code__", None), CodeType):
                files.add(code.co_filename)
    return files


def _this_file() -> str:
    return inspect.currentframe().f_code.co_filename  # type: ignore[union-attr]  # CPython and PyPy have frames


_OUR_FILES = {_this_file()}


def meet(sink: object, make_call: Callable[[], Callable[[], object]]) -> None:
    """Let two calls of *sink* meet at each of its instructions.

    :param make_call: returns a function that makes one call of the sink, with an event of its own, and never raises.
    """
    stopper = Stopper(sink)
    counted = 0
    began = time.monotonic()
    for _ in range(2):  # before 3.14, the first traced call of a function counts nothing
        counted, took = _in_thread(lambda: stopper.run(make_call(), None, _do_nothing))
    stop_for = min(max(_LEAST_STOP, took * _CALLS_WORTH), _MOST_STOP)
    for at in _evenly_spread(counted):
        if time.monotonic() - began > _BUDGET:
            break
        _meet_at(stopper, make_call(), make_call(), at, stop_for)


def _meet_at(
    stopper: Stopper, first: Callable[[], object], second: Callable[[], object], at: int, stop_for: float
) -> None:
    """Stop *first* in front of its instruction *at*, let *second* run, and let *first* go on."""
    stopped, over = threading.Event(), threading.Event()

    def stop() -> None:
        stopped.set()
        over.wait(stop_for)

    def run_first() -> None:
        try:
            stopper.run(first, at, stop)
        finally:
            stopped.set()

    def run_second() -> None:
        stopped.wait(_LIMIT)
        try:
            second()
        finally:
            over.set()

    threads = [threading.Thread(target=each, daemon=True) for each in (run_first, run_second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(_LIMIT)


def _in_thread(call: Callable[[], int]) -> tuple[int, float]:
    """Return what *call* returns on a thread of its own, and the seconds that it took."""
    results: list[tuple[int, float]] = [(0, 0.0)]

    def run() -> None:
        began = time.monotonic()
        results.append((call(), time.monotonic() - began))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(_LIMIT)
    return results[-1]


def _evenly_spread(count: int) -> list[int]:
    """Return at most :data:`MOST_POINTS` of *count* numbers, in an order whose beginning is evenly spread, too."""
    step = max(1.0, count / MOST_POINTS)
    points = sorted({int(number * step) for number in range(min(count, MOST_POINTS))})
    return sorted(points, key=lambda point: point * 0.6180339887 % 1)


def _do_nothing() -> None:
    """Stop nowhere."""
