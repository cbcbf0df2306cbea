"""What ``python -m pixelmw drain`` runs: forwards what a spool holds, from outside the server."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any

from ..delivery.base import Delivery
from ..delivery.disk.backlog import Backlog
from ..delivery.disk.dead_letters import DeadLetters
from ..delivery.disk.directory import SpoolDirectory
from ..delivery.disk.drainer import Drainer
from ..delivery.retry import Retry
from ..events import Sink
from ..middleware import PixelMiddleware
from ..sinks.base import close_sink

_LOOK_EVERY = 1.0  # seconds, for new events or for the drain lock
_DRAW_EVERY = 0.1  # seconds
_WIDTH = 30  # characters of the bar


class DrainTarget:
    """Where a spool's events go: the sink that ``MODULE:NAME`` leads to, and how it was to be used.

    The name may be that of a sink, of a Spool or Background around one, or of a
    middleware with one of these.

    :raises ValueError: where there is no such thing, or no sink.
    """

    def __init__(self, name: str) -> None:
        module, _, attributes = name.partition(":")
        if not attributes:
            raise ValueError(f"--sink is {name!r}: give MODULE:NAME, such as myapp.wsgi:spool")
        sys.path.insert(0, str(Path.cwd()))  # where gunicorn would look, too
        try:
            found: Any = import_module(module)
            for attribute in attributes.split("."):
                found = getattr(found, attribute)
        except (ImportError, AttributeError) as error:
            raise ValueError(f"--sink is {name!r}: {error}") from error
        self.retry = Retry()
        self.dead_letter: Sink | None = None
        if isinstance(found, PixelMiddleware):
            found = found.collector.sink
        if isinstance(found, Delivery):
            self.retry, self.dead_letter, found = found.retry, found.dead_letter, found.sink
        if not callable(found) or isinstance(found, type):
            raise ValueError(f"--sink is {name!r}: that is {found!r}, and no sink")
        self.sink: Sink = found


class ProgressBar:
    """A bar on a terminal, and nothing elsewhere."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._drawn = 0.0
        self._terminal = sys.stderr.isatty()

    def draw(self, done: int) -> None:
        """Show that so many of the events are forwarded."""
        now = time.monotonic()
        if self._terminal and now - self._drawn > _DRAW_EVERY:
            self._drawn = now
            part = min(1.0, done / self._total) if self._total else 1.0
            bar = "#" * round(part * _WIDTH)
            sys.stderr.write(f"\r[{bar:.<{_WIDTH}}] {part:4.0%}  {done:,} of {self._total:,} events")
            sys.stderr.flush()

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._terminal:
            sys.stderr.write("\r\x1b[K")  # back to the beginning, and erase the line
            sys.stderr.flush()


def drain(path: str, sink: str, *, dead: bool = False, follow: bool = False, timeout: float | None = None) -> int:
    """Forward what the spool at *path* holds, print a summary, and return the exit code: 1 where something is left.

    :param sink: ``MODULE:NAME``, see :class:`DrainTarget`.
    :param dead: send the dead letters in it, in place of what waits.
    :param follow: go on, forwarding what comes in, until interrupted; what is left then is for the next time.
    :param timeout: seconds after which to give up.
    :raises ValueError: where there is no spool, or no such sink.
    :raises OSError: where somebody else is forwarding from there.
    """
    letters = DeadLetters(Path(path).absolute() / "dead")
    directory = letters.directory if dead else SpoolDirectory(path)
    if not directory.path.is_dir():
        raise ValueError(f"{path} holds no dead letters" if dead else f"{path} is no directory")
    target = DrainTarget(sink)
    lock = _take_turn(directory, wait=follow)
    drainer = Drainer(
        directory,
        target.sink,
        retry=target.retry,
        dead_letter=target.dead_letter or letters,
        # What is refused once more goes to new segments, which are not for this time.
        only=frozenset(directory.segments()) if dead else None,
    )
    backlog = Backlog(directory)
    started = time.monotonic()
    with suppress(KeyboardInterrupt), ProgressBar(backlog.count()[0]) as progress:
        _forward(drainer, progress, follow=follow, deadline=started + (timeout or float("inf")))
    left = backlog.count()[0]
    _summarise(drainer, left, time.monotonic() - started)
    for each in (target.sink, letters):
        close_sink(each)
    os.close(lock)
    return 1 if left and not follow else 0


def _take_turn(directory: SpoolDirectory, *, wait: bool) -> int:
    """Become the one who forwards, until the descriptor is closed."""
    while (lock := directory.try_drain_lock()) is None:
        if not wait:
            raise OSError(f"somebody else is forwarding from {directory.path}")
        time.sleep(_LOOK_EVERY)
    directory.cursors.remove_stale()
    return lock


def _forward(drainer: Drainer, progress: ProgressBar, *, follow: bool, deadline: float) -> None:
    while True:
        pause = drainer.step()
        progress.draw(drainer.forwarder.counts["forwarded"] + drainer.forwarder.counts["dead"])
        if pause is None:
            if not follow:
                return
            pause = _LOOK_EVERY
        if time.monotonic() + pause > deadline:
            return
        time.sleep(pause)


def _summarise(drainer: Drainer, left: int, seconds: float) -> None:
    counts = drainer.forwarder.counts
    told = [f"forwarded {_events(counts['forwarded'])} in {seconds:.1f} s"]
    if dead := counts["dead"]:
        told.append(f"{dead:,} became {'a dead letter' if dead == 1 else 'dead letters'}")
    if damaged := drainer.damaged_records:
        told.append(f"{damaged:,} {'was' if damaged == 1 else 'were'} damaged: see quarantine")
    told.append(f"{_events(left)} {'is' if left == 1 else 'are'} left" if left else "nothing is left")
    print("; ".join(told))  # noqa: T201 - this is the terminal's program


def _events(count: int) -> str:
    return "1 event" if count == 1 else f"{count:,} events"
