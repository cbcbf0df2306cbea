"""The command ``python -m pixelmw drain``: forwards the events of a spool, from outside the server."""

from __future__ import annotations

import argparse
import logging
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..delivery.disk.backlog import Backlog
from ..delivery.disk.dead_letter_store import DeadLetterStore
from ..delivery.disk.directory import SpoolDirectory
from ..delivery.disk.drain_lock import DrainLock
from ..delivery.disk.drainer import Drainer
from ..sinks.base import close_sink
from .console import print_line
from .parser import seconds
from .progress import ProgressBar
from .spool_summary import Left, check_is_spool, summary
from .target import DrainTarget

if TYPE_CHECKING:
    from .parser import Commands

_SCAN_INTERVAL = 1.0  # seconds between two looks for new events or for the drain lock


def add_drain(commands: Commands) -> None:
    """Add the command ``drain``."""
    command = commands.add_parser(
        "drain",
        help="forward what a spool holds, from outside the server",
        description="Forward what a spool holds, from outside the server: if the server runs no background threads, "
        "or to empty a spool before its machine is removed. Exits with 1 if events or dead "
        "letters are left, or became dead letters.",
        examples=["python -m pixelmw drain /var/spool/pixelmw --sink myapp:app"],
    )
    command.add_argument("directory", metavar="DIRECTORY", help="the directory of the spool")
    command.add_argument(
        "--sink",
        metavar="MODULE:NAME",
        default=os.environ.get("PIXELMW_SINK"),
        help="where the events go: a sink, a Spool, or an application with a PixelMiddleware (default: $PIXELMW_SINK)",
    )
    command.add_argument(
        "--dead", action="store_true", help="send its dead letters again, instead of the waiting events"
    )
    command.add_argument("--follow", action="store_true", help="also forward what comes in later, until interrupted")
    command.add_argument("--timeout", type=seconds, metavar="SECONDS", help="give up after this time (default: never)")
    command.set_defaults(run=_run_drain)


def _run_drain(arguments: argparse.Namespace) -> int:
    if not arguments.sink:
        raise ValueError("the sink is missing: give --sink MODULE:NAME, or set PIXELMW_SINK")
    logging.basicConfig(format="%(levelname)s %(message)s")
    return drain(
        arguments.directory, arguments.sink, dead=arguments.dead, follow=arguments.follow, timeout=arguments.timeout
    )


def drain(path: str, sink: str, *, dead: bool = False, follow: bool = False, timeout: float | None = None) -> int:
    """Forward what the spool at *path* holds, and print a summary.

    :param path: the directory of the spool.
    :param sink: ``MODULE:NAME``, see :class:`DrainTarget`.
    :param dead: forward the spool's dead letters instead of the waiting events.
    :param follow: also forward what comes in later, until interrupted.
    :param timeout: seconds after which to give up; ``None`` for never.
    :returns: the exit code. 1: events, dead letters or damaged ones are left, or events became dead letters. 0: none of
        these, or *follow*.
    :raises ValueError: if there is no spool, or no such sink.
    :raises OSError: if another process is forwarding from the spool.
    """
    letters = DeadLetterStore(Path(path).absolute() / "dead")
    directory = letters.directory if dead else SpoolDirectory(path)
    if dead and not directory.path.is_dir():
        raise ValueError(f"{path} holds no dead letters")
    check_is_spool(directory)
    target = DrainTarget(sink, SpoolDirectory(path).path)
    deadline = time.monotonic() + (float("inf") if timeout is None else timeout)
    lock = _taken_drain_lock(directory, wait_until=deadline if follow else 0.0)
    drainer = Drainer(
        directory,
        target.sink,
        retry=target.retry,
        dead_letter=target.dead_letter or letters,
        max_batch=target.max_batch,
        # A dead letter that is refused again goes to a new segment, which is not read in this run.
        only=frozenset(directory.segments()) if dead else None,
    )
    drainer.begin_turn()
    backlog = Backlog(directory)
    started = time.monotonic()
    with suppress(KeyboardInterrupt), ProgressBar(backlog.count()[0]) as progress:
        _forward_all(drainer, progress, follow=follow, deadline=deadline)
    left = Left.of(directory, letters.directory)
    print_line(summary(drainer, left, directory, time.monotonic() - started))
    drainer.in_flight.close()
    for each in (target.sink, letters):
        close_sink(each)
    lock.close()
    return 1 if (any(left) or drainer.forwarder.counts["dead"]) and not follow else 0


def _taken_drain_lock(directory: SpoolDirectory, *, wait_until: float) -> DrainLock:
    """Become the only process that forwards from the spool, until the returned lock is closed.

    :param wait_until: how long to wait for another process, on the monotonic clock.
    :raises OSError: if it forwards still.
    """
    lock = DrainLock(directory)
    while not lock.try_take():
        if (remaining := wait_until - time.monotonic()) <= 0:
            raise OSError(f"somebody else is forwarding from {directory.path}: {lock.holder()}")
        time.sleep(min(_SCAN_INTERVAL, remaining))
    directory.cursors.remove_stale()
    return lock


def _forward_all(drainer: Drainer, progress: ProgressBar, *, follow: bool, deadline: float) -> None:
    while True:
        step = drainer.step()
        progress.draw(drainer.forwarder.counts["forwarded"] + drainer.forwarder.counts["dead"])
        if step.nothing_is_left and not follow:
            return
        pause = _SCAN_INTERVAL if step.nothing_is_left else step.wait
        if time.monotonic() + pause > deadline:
            return
        time.sleep(pause)
