"""How many events a second a Spool accepts: beside a raw group commit of the same bytes to the same disk.

The raw one encodes each event, as ``benchmarks/store.py`` has it; another one is
given the bytes, so that it shows what encoding costs beside a sync of this disk.

Run it with ``python benchmarks/spool.py``. All contenders take turns in one
run, each with a fresh file in a directory of the current one; a figure is the
median over the rounds, and a ratio the median of the ratios within a round.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import traffic
from gathering import Gathered
from undrained import undrained

from pixelmw import Collector
from pixelmw.delivery import Spool
from pixelmw.delivery.disk.segments import writer
from pixelmw.sinks.encoding import encode

THREADS = 16
HEADER_BYTES = 20  # of a record in a segment
#: The event of the reference request.
EVENT = Collector(lambda event: None).collect("page", traffic.environ(traffic.ACCEPTED))
Accept = Callable[[dict[str, Any]], object]


@contextmanager
def counting(extra: float) -> Iterator[list[int]]:
    """Count every sync, each *extra* seconds slower than it is; gives a list with the number of them."""
    calls = [0]

    def counted(sync: Callable[[int], None]) -> Callable[[int], None]:
        def call(descriptor: int) -> None:
            calls[0] += 1
            if extra:
                time.sleep(extra)
            sync(descriptor)

        return call

    before = writer.sync_data, os.fsync
    writer.sync_data, os.fsync = counted(writer.sync_data), counted(os.fsync)
    try:
        yield calls
    finally:
        writer.sync_data, os.fsync = before


class Drain:
    """A sink that takes every batch at once, so that what is measured is our own part of draining."""

    def __call__(self, event: dict[str, Any]) -> None:
        """Take one event."""

    def write(self, events: list[dict[str, Any]]) -> None:
        """Take a batch."""


@contextmanager
def raw(directory: Path) -> Iterator[Accept]:
    """The raw group commit of events, each as long as a Spool would write it."""
    with gathered(directory) as append:
        yield lambda event: append(b" " * HEADER_BYTES + encode(event))


@contextmanager
def raw_bytes(directory: Path) -> Iterator[Accept]:
    """The same, and nobody encodes anything."""
    data = b" " * HEADER_BYTES + encode(EVENT)
    with gathered(directory) as append:
        yield lambda event: append(data)


@contextmanager
def gathered(directory: Path) -> Iterator[Callable[[bytes], object]]:
    """One write and one sync for all who wait."""
    descriptor = os.open(directory / "raw", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    sync = writer.sync_data  # the one that counts

    def append(records: list[bytes]) -> None:
        os.write(descriptor, b"".join(records))
        sync(descriptor)

    try:
        yield Gathered(append)
    finally:
        os.close(descriptor)


@contextmanager
def waiting(directory: Path) -> Iterator[Accept]:
    """A Spool that nobody drains."""
    with undrained(directory / "spool"):
        spool = Spool(directory / "spool", Drain())
        yield spool
        spool.close()


@contextmanager
def draining(directory: Path) -> Iterator[Accept]:
    """A Spool that drains a backlog all the while."""
    with waiting(directory) as spool:
        backlog = 0
        while backlog < 20_000:
            spool.write([EVENT] * 500)  # type: ignore[attr-defined]
            backlog += 500
    spool = Spool(directory / "spool", Drain())
    yield spool
    spool.close()


@contextmanager
def busy(threads: int) -> Iterator[None]:
    """Threads that compute meanwhile, as the application's own do."""
    done = threading.Event()

    def compute() -> None:
        while not done.is_set():
            sum(number * number for number in range(1000))

    running = [threading.Thread(target=compute) for _ in range(threads)]
    for thread in running:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in running:
            thread.join()


def measure(accept: Accept, threads: int, seconds: float) -> tuple[float, float]:
    """Events a second from so many threads, and the 99th percentile of one acceptance in milliseconds."""
    taken: list[list[float]] = [[] for _ in range(threads)]
    start = threading.Barrier(threads + 1)
    end = [0.0]

    def store(times: list[float]) -> None:
        start.wait()
        while (before := time.perf_counter()) < end[0]:
            accept(EVENT)
            times.append(time.perf_counter() - before)

    workers = [threading.Thread(target=store, args=(times,)) for times in taken]
    for worker in workers:
        worker.start()
    end[0] = time.perf_counter() + seconds
    started = time.perf_counter()
    start.wait()
    for worker in workers:
        worker.join()
    elapsed = time.perf_counter() - started
    latencies = sorted(latency for times in taken for latency in times)
    return len(latencies) / elapsed, latencies[int(len(latencies) * 0.99)] * 1000


#: What is measured: name -> contender, threads, busy threads beside them, seconds added to each sync.
CASES: dict[str, tuple[Any, int, int, float]] = {
    "raw": (raw, THREADS, 0, 0.0),
    "raw bytes": (raw_bytes, THREADS, 0, 0.0),
    "spool": (waiting, THREADS, 0, 0.0),
    "spool, draining": (draining, THREADS, 0, 0.0),
    "raw, beside 2 busy threads": (raw, THREADS, 2, 0.0),
    "spool, beside 2 busy threads": (waiting, THREADS, 2, 0.0),
    "raw, slow sync": (raw, THREADS, 0, 0.001),
    "raw bytes, slow sync": (raw_bytes, THREADS, 0, 0.001),
    "spool, slow sync": (waiting, THREADS, 0, 0.001),
    "spool, slow sync, 1 thread": (waiting, 1, 0, 0.001),
}
#: Ratios that matter: numerator, denominator, figure.
RATIOS = {
    "spool : raw": ("spool", "raw", "events_per_second"),
    "spool : raw bytes": ("spool", "raw bytes", "events_per_second"),
    "spool : raw, with 1 ms added to each sync": ("spool, slow sync", "raw, slow sync", "events_per_second"),
    "spool : raw bytes, with 1 ms added to each sync": (
        "spool, slow sync", "raw bytes, slow sync", "events_per_second"),
    "spool : raw, beside 2 busy threads": (
        "spool, beside 2 busy threads", "raw, beside 2 busy threads", "events_per_second"),
    "draining : undrained": ("spool, draining", "spool", "events_per_second"),
    "16 threads : 1, with 1 ms added to each sync": (
        "spool, slow sync", "spool, slow sync, 1 thread", "events_per_second"),
    "p99, spool : raw": ("spool", "raw", "p99_ms"),
}  # fmt: skip


def one_round(seconds: float) -> dict[str, dict[str, float]]:
    """Each case once."""
    figures = {}
    for name, (contender, threads, others, extra) in CASES.items():
        with ExitStack() as stack:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=".")))
            calls = stack.enter_context(counting(extra))
            accept = stack.enter_context(contender(directory))
            measure(accept, threads, seconds / 10)  # so that what is made once has been made
            stack.enter_context(busy(others))
            calls[0] = 0
            rate, p99 = measure(accept, threads, seconds)
            syncs = calls[0] / (rate * seconds)
        figures[name] = {"events_per_second": rate, "p99_ms": p99, "syncs_per_event": syncs}
    return figures


def main() -> None:
    """Measure, print, and write the figures down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--seconds", type=float, default=1.0, help="that each case takes in each round")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".json"))
    options = parser.parse_args()
    rounds = [one_round(options.seconds) for _ in range(options.rounds)]
    cases = {
        name: {figure: statistics.median(each[name][figure] for each in rounds) for figure in rounds[0][name]}
        for name in CASES
    }
    ratios = {
        name: statistics.median(each[above][figure] / each[below][figure] for each in rounds)
        for name, (above, below, figure) in RATIOS.items()
    }
    for name, figures in cases.items():
        print(f"{name:32}", *(f"{value:12,.3f} {figure}" for figure, value in figures.items()))
    for name, ratio in ratios.items():
        print(f"{name:48} {ratio:8.2f}")
    options.output.write_text(json.dumps({"rounds": options.rounds, "cases": cases, "ratios": ratios}, indent=2) + "\n")


if __name__ == "__main__":
    main()
