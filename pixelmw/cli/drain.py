"""The command ``python -m pixelmw drain``: forwards the events of a spool, from outside the server."""

from __future__ import annotations

import argparse
import logging
import math
import os
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..delivery.closing import closes_within
from ..delivery.disk.backlog import Backlog
from ..delivery.disk.dead_letter_store import DeadLetterStore
from ..delivery.disk.destination import Destination
from ..delivery.disk.directory import DEAD, SpoolDirectory
from ..delivery.disk.drain_lock import LAPSE, DrainLock
from ..delivery.disk.drainer import Drainer
from ..delivery.disk.quarantine import Quarantine
from ..delivery.disk.quota import dead_quota
from ..delivery.watch import LongCalls, unwatch, watch
from ..events import Sink
from ..text import printable
from .console import print_line
from .forwarding import PATIENCE, SCAN_INTERVAL, Forwarding
from .parser import seconds
from .progress import ProgressBar
from .spool_check import check_is_spool
from .spool_summary import Left, summary
from .target import DrainTarget
from .time_limit import TimeLimit

if TYPE_CHECKING:
    from .parser import Commands

# Seconds between two looks whether another process still forwards: it gives a sign each second.
_LOCK_INTERVAL = 0.25


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
    path, sink, follow = arguments.directory, arguments.sink, arguments.follow
    try:
        return drain(path, sink, dead=arguments.dead, follow=follow, timeout=arguments.timeout)
    except KeyboardInterrupt:
        if follow:
            raise
        print_line("pixelmw: interrupted before it was done", error=True)
        return 1  # it has not forwarded, or not looked if anything is left


def drain(path: str, sink: str, *, dead: bool = False, follow: bool = False, timeout: float | None = None) -> int:
    """Forward what the spool at *path* holds, and print a summary.

    :param path: the directory of the spool.
    :param sink: ``MODULE:NAME``, see :class:`DrainTarget`.
    :param dead: forward the spool's dead letters instead of the waiting events.
    :param follow: also forward what comes in later, until interrupted.
    :param timeout: seconds after which to give up; ``None`` for never.
    :returns: the exit code. 1: events, dead letters, damaged ones or unreadable files are left, or events became
        dead letters; or this process did not run for so long that another one took over, or the directory was moved.
        0: none of these, or *follow*.
    :raises ValueError: if there is no spool, or no such sink.
    :raises OSError: if another process is forwarding from the spool.
    """
    with TimeLimit(timeout) as limit:
        limit.doing = f"while {sink} was being loaded"
        deadline = time.monotonic() + (math.inf if timeout is None else timeout)
        spool_directory = SpoolDirectory(path)
        dead_directory = SpoolDirectory(spool_directory.path / DEAD, within_spool=True)
        directory = dead_directory if dead else spool_directory
        if dead and not directory.path.is_dir():
            raise ValueError(f"{path} holds no dead letters")
        check_is_spool(directory)
        target = DrainTarget(sink, spool_directory.path)
        destination = Destination(spool_directory, target.name, waiting_in=directory)
        limit.doing = f"in the directory {path}"
        lock = _taken_drain_lock(directory, deadline=deadline, wait_for_turn=follow)
        # A dead letter that is refused again takes the place of itself, and finds room.
        bound = None if dead else target.max_dead_bytes
        admit = _no_bound if bound is None else dead_quota(spool_directory, bound).admit
        letters = DeadLetterStore(dead_directory.path, admit)
        drainer = Drainer(
            directory,
            target.sink,
            retry=target.retry,
            dead_letter=target.dead_letter or letters,
            last_resort=letters,
            max_batch=target.max_batch,
            quarantine=Quarantine(directory, admit),
            # A dead letter that is refused again goes to a new segment, which is not read in this run.
            only=frozenset(directory.segments()) if dead else None,
        )
        drainer.begin_turn()
        long_calls = LongCalls(path, drainer.calls)
        watch(long_calls)
        started = time.monotonic()
        with ProgressBar(Backlog(directory).count()[0]) as progress:
            forwarding = Forwarding(
                drainer,
                lock,
                follow=follow,
                deadline=deadline,
                checks=[destination.look, target.check],
                draw=progress.draw,
            )
            forwarding.run()
        unwatch(long_calls)
        left = Left.of(directory, letters.directory)
        print_line(summary(drainer, left, directory, time.monotonic() - started, forwarding, lost=letters.lost))
        drainer.in_flight.close()
        limit.doing = f"while {target.sink!r} was being closed"
        have_closed = forwarding.is_given_up or _close(  # the call that was given up would have to end first
            [target.sink, letters], None if timeout is None else max(PATIENCE, deadline - time.monotonic())
        )
        lock.close()
        is_done = follow or not (any(left) or drainer.forwarder.counts["dead"])
        limit.code = 0 if is_done and have_closed and not (forwarding.is_given_up or forwarding.lost_turn) else 1
        return limit.code


def _no_bound(size: int) -> None:
    """Let anything in."""


def _close(sinks: Iterable[Sink], timeout: float | None) -> bool:
    """Close each of *sinks*, and tell which ones could not be closed.

    :param timeout: seconds for each of them.
    :returns: False if one failed to close: what it took may not have arrived.
    """
    have_closed = True
    for each in sinks:
        why = f" within {timeout:.0f} s" if timeout is not None else " since it is in a call that has not ended"
        try:
            if closes_within(each, timeout):
                continue
        except Exception as error:
            why, have_closed = f": {type(error).__name__}: {printable(str(error))}", False
        print_line(f"pixelmw: {each!r} could not be closed{why}", error=True)
    return have_closed


def _taken_drain_lock(directory: SpoolDirectory, *, deadline: float, wait_for_turn: bool) -> DrainLock:
    """Become the only process that forwards from the spool, until the returned lock is closed.

    :param deadline: how long to wait for another process, on the monotonic clock.
    :param wait_for_turn: also wait for one that runs; otherwise only as long as it may be one that is stopped.
    :raises OSError: if it forwards still.
    """
    lock = DrainLock(directory)
    wait_until = deadline if wait_for_turn else min(deadline, time.monotonic() + LAPSE + 2 * SCAN_INTERVAL)
    while not lock.try_take():
        remaining = wait_until - time.monotonic()
        if remaining <= 0 or (lock.holder_runs and not wait_for_turn):
            raise OSError(f"somebody else is forwarding from {directory.path}: {lock.holder()}")
        time.sleep(min(_LOCK_INTERVAL, remaining))
    directory.cursors.remove_stale()
    return lock
