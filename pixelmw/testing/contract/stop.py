"""Stops a call in front of one of its bytecode instructions, with what the interpreter offers for debuggers.

From Python 3.12 on, that is ``sys.monitoring`` (PEP 669). ``sys.settrace`` is there, too, but loses instructions when
several threads begin and end to trace. Before 3.12, it is all there is, and loses none.
"""

from __future__ import annotations

import dis
import inspect
import sys
import sysconfig
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

# Instructions that move values between a frame's own variables and its stack, or that jump.
_LOCAL = (
    *("LOAD_FAST", "STORE_FAST", "LOAD_CONST", "POP_", "PUSH_", "COPY", "SWAP", "BUILD_", "RETURN_", "JUMP_", "RESUME"),
    *("NOP", "CACHE", "PRECALL", "KW_NAMES", "EXTENDED_ARG", "MAKE_", "IS_OP", "END_FOR", "TO_BOOL", "RERAISE"),
)
# The kit's own code, in which only a sink is looked at, such as a Recorder.
_OURS = f"{Path(__file__).parents[1]}/"


class Stopper(ABC):
    """Counts the instructions of a call of *sink*, and stops in front of one.

    Only code of the sink's own is looked at: the files of its classes, and
    whatever is neither Python's nor installed. And of that, only instructions that
    another thread could notice: a stop at the next one of those is the same.
    """

    def __init__(self, sink: object) -> None:
        self._own_files = _files_of(sink)
        paths = sysconfig.get_paths()
        self._foreign = tuple({paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")})
        self._is_own: dict[CodeType, bool] = {}
        self._bytes: dict[CodeType, bytes] = {}

    @abstractmethod
    def run(self, call: Callable[[], object], at: int | None, on_stop: Callable[[], object]) -> int:
        """Make *call*; call *on_stop* in front of its instruction number *at*. Returns how many it had."""

    def close(self) -> None:  # noqa: B027 - one of the two has nothing to do
        """Leave the interpreter as it was."""

    def owns(self, code: CodeType) -> bool:
        """Return True if *code* is the sink's own."""
        if code not in self._is_own:
            file = code.co_filename
            # A file like "<string>" belongs to what dataclasses and the like have made, unless it is the sink's.
            outside = not file.startswith((*self._foreign, _OURS, "<"))
            self._is_own[code] = file in self._own_files or outside
        return self._is_own[code]

    def counts(self, code: CodeType, offset: int) -> bool:
        """Return True if another thread could notice the instruction at *offset*."""
        if code not in self._bytes:
            self._bytes[code] = code.co_code  # made anew each time
        return not dis.opname[self._bytes[code][offset]].startswith(_LOCAL)


if sys.version_info >= (3, 12):

    class _Watching(Stopper):
        def __init__(self, sink: object) -> None:
            super().__init__(sink)
            self._thread = 0
            self._count = 0
            self._at: int | None = None
            self._on_stop: Callable[[], object] = int
            self._watched: set[CodeType] = set()
            monitoring, events = sys.monitoring, sys.monitoring.events
            # 0, 1, 2 and 5 belong to debuggers, coverage, profilers and optimizers.
            self._tool = next((number for number in (3, 4) if monitoring.get_tool(number) is None), None)
            if self._tool is not None:
                monitoring.use_tool_id(self._tool, "pixelmw.testing")
                monitoring.register_callback(self._tool, events.PY_START, self._begin)
                monitoring.register_callback(self._tool, events.INSTRUCTION, self._instruction)
                monitoring.set_events(self._tool, events.PY_START)
                monitoring.restart_events()

        def run(self, call: Callable[[], object], at: int | None, on_stop: Callable[[], object]) -> int:
            self._count, self._at, self._on_stop = 0, at, on_stop
            self._thread = threading.get_ident()
            try:
                call()
            finally:
                self._thread = 0
            return self._count

        def close(self) -> None:
            if self._tool is not None:
                for code in self._watched:
                    sys.monitoring.set_local_events(self._tool, code, 0)
                sys.monitoring.set_events(self._tool, 0)
                sys.monitoring.register_callback(self._tool, sys.monitoring.events.PY_START, None)
                sys.monitoring.register_callback(self._tool, sys.monitoring.events.INSTRUCTION, None)
                sys.monitoring.free_tool_id(self._tool)

        def _begin(self, code: CodeType, offset: int) -> object:
            if self.owns(code) and code not in self._watched and self._tool is not None:
                self._watched.add(code)
                sys.monitoring.set_local_events(self._tool, code, sys.monitoring.events.INSTRUCTION)
            return sys.monitoring.DISABLE  # once is enough

        def _instruction(self, code: CodeType, offset: int) -> None:
            if threading.get_ident() == self._thread and self.counts(code, offset):
                if self._count == self._at:
                    self._on_stop()
                self._count += 1

else:

    class _Watching(Stopper):
        def run(self, call: Callable[[], object], at: int | None, on_stop: Callable[[], object]) -> int:
            count = 0

            def trace_call(frame: FrameType, event: str, arg: Any) -> Callable[..., Any] | None:
                if not self.owns(frame.f_code):
                    return None
                frame.f_trace_opcodes, frame.f_trace_lines = True, False
                return trace_instruction

            def trace_instruction(frame: FrameType, event: str, arg: Any) -> Callable[..., Any]:
                nonlocal count
                if event == "opcode" and self.counts(frame.f_code, frame.f_lasti):
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


@contextmanager
def stopper(sink: object) -> Iterator[Stopper]:
    """A stopper for calls of *sink*."""
    made = _Watching(sink)
    try:
        yield made
    finally:
        made.close()


def _files_of(sink: object) -> set[str]:
    """Return the files with the code of the sink: of its function, or of its classes."""
    function = inspect.unwrap(getattr(sink, "__func__", sink))  # type: ignore[arg-type]  # a sink is callable
    if isinstance(code := getattr(function, "__code__", None), CodeType):
        return {code.co_filename}
    files = set()
    for cls in type(getattr(sink, "__self__", sink)).__mro__[:-1]:
        for member in vars(cls).values():
            if isinstance(code := getattr(inspect.unwrap(member), "__code__", None), CodeType):
                files.add(code.co_filename)
    return files
