"""A seal that is undone before any line of what forwards from a directory, in one thread, by a second process."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from pixelmw.delivery.disk import directory, locked_segments, open_directory, quarantine, reader
from pixelmw.delivery.disk import drainer as drainer_module
from pixelmw.delivery.disk.drainer import Drainer
from pixelmw.delivery.disk.segments import cursors, progress, sealed
from tests.support import seals
from tests.support.needs import give_up
from tests.support.seals import Sink, Writer, segments
from tests.support.spools import drainer, report

pytestmark = pytest.mark.slow

writer = seals.writer


class Interruption(Exception):
    """Something went wrong within a trace function, which Python would only print."""


@contextmanager
def interrupted(at: int, call: Callable[[], object]) -> Iterator[list[int]]:
    """Make *call* before the line number *at*, in the order of execution, of the modules that forward from a directory.

    :yields: a list with the number of lines that were executed.
    """
    modules = cursors, directory, drainer_module, locked_segments, open_directory, progress, quarantine, reader, sealed
    files = {module.__file__ for module in modules}
    executed = [0]
    errors: list[BaseException] = []

    def trace(frame: FrameType, kind: str, argument: Any) -> Any:
        if frame.f_code.co_filename not in files:
            return None
        if kind == "line":
            executed[0] += 1
            if executed[0] == at:
                try:
                    call()
                except BaseException as error:
                    errors.append(error)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield executed
    finally:
        sys.settrace(before)
    if errors:
        raise Interruption from errors[0]


def holds_a_lock() -> bool:
    """Whether this process has locked a file, so that the writer may wait for it; also one that was deleted since."""
    try:
        return any("FLOCK" in path.read_text() for path in Path("/proc/self/fdinfo").iterdir() if path.exists())
    except FileNotFoundError:
        give_up("/proc does not tell here which files are locked")
        raise


def step_to_the_end(forwarding: Drainer) -> None:
    for _ in range(200):
        step = forwarding.step()
        if step.nothing_is_left:
            return
        time.sleep(min(step.wait, 0.1))  # the writer may have the lock, and no processor yet
    raise AssertionError("draining does not end")


def test_a_seal_that_is_undone_before_any_line_of_the_drainer_loses_nothing(tmp_path: Path, writer: Writer) -> None:
    """The second process appends at once; where the drainer has locked the segment, as soon as it lets go."""
    undone = 0
    for at in count(1):
        directory, sink = tmp_path / f"spool-{at}", Sink()
        unanswered: list[bool] = []

        def undo(directory: Path = directory, unanswered: list[bool] = unanswered) -> None:
            for path in segments(directory):
                path.chmod(0o600)
            writer.ask(directory, "late")
            if holds_a_lock():
                unanswered.append(True)
            else:
                writer.wait()

        writer.store(directory, "first")
        forwarding = drainer(directory, sink)
        forwarding.forwarder.longest_pause = 0.0  # nor wait after the failure
        with interrupted(at, undo) as executed:
            forwarding.step()
            sink.is_down = False
            step_to_the_end(forwarding)
        if executed[0] < at:
            break
        if unanswered:
            writer.wait()
        step_to_the_end(forwarding)
        assert sink.ids == ["first", "late"], f"undone before line {at} of {executed[0]}"
        assert segments(directory) == []
        undone += 1
    report("seals undone", at=undone, lost=0, twice=0)
    assert undone > 100
