"""A process and its descendants, as Linux shows them: stopped together, or killed together and waited for."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from tests.support.needs import give_up

TIMEOUT = 30.0  # seconds, for a signal to take effect

_PROC = Path("/proc")
#: True if this system shows its processes.
VISIBLE = (_PROC / "self" / "task").is_dir()
# What stat calls a task that a signal or a tracer has stopped, and one that has ended.
_STOPPED, _ENDED = set("Tt"), set("ZXx")


class Process(NamedTuple):
    """A process.

    :ivar born: when, in clock ticks; this tells it from a later process with the same id.
    """

    pid: int
    born: str

    def states(self) -> dict[str, str]:
        """The state of each of its tasks, by the task's id; nothing where the process is gone."""
        directory = _PROC / str(self.pid)
        if _stat(directory)[_BORN:][:1] == [self.born]:
            with suppress(FileNotFoundError, ProcessLookupError):
                return {task.name: stat[_STATE] for task in (directory / "task").iterdir() if (stat := _stat(task))}
        return {}

    def has_stopped(self) -> bool:
        """Whether each task has stopped or is gone."""
        states = self.states()
        # A second look: until the signal is there, one task may have started another behind the first look's back.
        return {*states.values()} <= _STOPPED | _ENDED and states == self.states()

    def has_ended(self) -> bool:
        """Whether no task runs or ever will, though the parent may not have taken notice yet."""
        return {*self.states().values()} <= _ENDED

    def send(self, signal_number: int) -> None:
        """Send a signal, unless the process is gone."""
        if self.states():
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal_number)


def family(pid: int) -> list[Process]:
    """A process and its descendants, each behind its parent."""
    if not VISIBLE:
        give_up("this system does not show its processes under /proc")
    stats = {int(each.name): stat for each in _PROC.glob("[0-9]*") if (stat := _stat(each))}
    pids = [pid] if pid in stats else []
    for parent in pids:  # and for those that are added meanwhile
        pids += [each for each, stat in stats.items() if stat[_PARENT] == str(parent)]
    return [Process(each, stats[each][_BORN]) for each in pids]


@contextmanager
def stopped(pid: int) -> Iterator[list[Process]]:
    """Stop a process that the tests have started, and its descendants; the block begins once every task has stopped."""
    members: list[Process] = []
    try:
        # Parents come first, and one that has stopped starts no other. So nobody is missed.
        while found := [each for each in family(pid) if each not in members]:
            for each in found:
                members.append(each)
                each.send(signal.SIGSTOP)
                _wait(each, Process.has_stopped, "stop")
        yield members
    finally:
        for each in members:
            each.send(signal.SIGCONT)


def kill(pid: int) -> None:
    """Kill a process that the tests have started, and its descendants; returns once none of them runs any more.

    Without /proc, nobody knows the descendants.
    """
    if not VISIBLE:
        os.kill(pid, signal.SIGKILL)
        return
    with stopped(pid) as members:
        for each in members:
            each.send(signal.SIGKILL)
    for each in members:
        _wait(each, Process.has_ended, "end")


# Where these stand behind the name, which may hold spaces and parentheses: fields 3, 4 and 22.
_STATE, _PARENT, _BORN = 0, 1, 19


def _stat(directory: Path) -> list[str]:
    """What the stat of a process or a task holds behind its name; nothing where it is gone."""
    try:
        text = (directory / "stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text.rpartition(")")[2].split()


def _wait(process: Process, condition: Callable[[Process], bool], what: str) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not condition(process):
        assert time.monotonic() < deadline, f"process {process.pid} does not {what}; its tasks: {process.states()}"
        time.sleep(0.002)
