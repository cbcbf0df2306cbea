"""How many events per second the SQLite sink stores from 16 threads, beside one: threads share their commits.

Run it with ``python benchmarks/sqlite_threads.py``. Both take turns in one run,
each turn with a new database in the current directory, or in ``--directory``; a
figure is the median over the turns. What a commit costs depends on the disk, so
it should be one that counts, not memory. The results go to the terminal and to ``benchmarks/sqlite_threads.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any

import traffic

from pixelmw import Collector, Event
from pixelmw.sinks import SQLite

THREADS = 16
ROUNDS = 15
EVENTS = 3200
SYNCS = 50


def amp_event() -> Event:
    """The event that the reference request becomes."""
    return Collector([].append).collect("page", traffic.environ(traffic.ACCEPTED))


def turn(directory: Path, template: Event, threads: int, count: int) -> float:
    """Events per second, over one turn of *count* events from so many threads."""
    path = directory / f"{uuid.uuid4()}.db"
    events = [{**template, "messageId": str(uuid.uuid4())} for _ in range(count)]
    begin = threading.Barrier(threads + 1)

    def store(share: list[Event]) -> None:
        begin.wait()
        for event in share:
            sink(event)

    # What has to wait for the disk as long as it takes does not fail for it.
    with SQLite(path, timeout=60) as sink:
        workers = [threading.Thread(target=store, args=(events[number::threads],)) for number in range(threads)]
        for worker in workers:
            worker.start()
        begin.wait()
        began = time.perf_counter()
        for worker in workers:
            worker.join()
        passed = time.perf_counter() - began
    with closing(sqlite3.connect(path)) as connection:
        (stored,) = connection.execute("SELECT count(*) FROM events").fetchone()
    if stored != count:
        sys.exit(f"{stored} of {count} events are there")
    path.unlink()
    return count / passed


def sync_time(directory: Path) -> float:
    """Microseconds that the disk needs to make four KiB last, without SQLite."""
    figures = []
    with (directory / "sync").open("wb", buffering=0) as file:
        for _ in range(SYNCS):
            file.write(b"x" * 4096)
            began = time.perf_counter()
            os.fsync(file.fileno())
            figures.append((time.perf_counter() - began) * 1e6)
    return statistics.median(figures)


def main() -> None:
    """Measure, and write down what came out."""
    here = Path(__file__)
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"turns of each (default: {ROUNDS})")
    parser.add_argument("--events", type=int, default=EVENTS, help=f"events in a turn (default: {EVENTS})")
    parser.add_argument("--directory", type=Path, default=Path(), help="where the databases go (default: here)")
    parser.add_argument("--output", type=Path, default=here.with_suffix(".json"))
    options = parser.parse_args()
    template = amp_event()
    size = len(json.dumps(template, separators=(",", ":")))
    results: dict[int, list[float]] = {1: [], THREADS: []}
    with tempfile.TemporaryDirectory(dir=options.directory) as name:
        directory = Path(name)
        sync = sync_time(directory)
        print(f"SQLite {sqlite3.sqlite_version}, events of {size} bytes, {sync:.0f} us for a sync")
        for number in range(options.rounds):
            for threads in (1, THREADS) if number % 2 else (THREADS, 1):
                results[threads].append(turn(directory, template, threads, options.events))
    # Ratios are taken round by round, so that what slows the machine down for a while slows both.
    ratio = statistics.median(many / one for one, many in zip(results[1], results[THREADS], strict=True))
    document: dict[str, Any] = {"sqlite": sqlite3.sqlite_version, "rounds": options.rounds, "sync_us": sync}
    document["figures"] = {str(threads): statistics.median(figures) for threads, figures in results.items()}
    document["ratio"] = ratio
    for threads, figures in results.items():
        low, high = min(figures), max(figures)
        print(f"{threads:3} threads{statistics.median(figures):10.0f} events/s{low:10.0f}-{high:.0f}")
    print(f"ratio{ratio:15.2f}")
    options.output.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
