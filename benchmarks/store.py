"""What storing an event costs: our sinks, the raw limit of their destinations, and what a user would write instead.

Run it with ``python benchmarks/store.py [DIRECTORY]``, where DIRECTORY is an
earlier checkout of pixelmw, which is then compared, too (``git worktree add
DIRECTORY COMMIT`` makes one). It starts real servers on loopback. All
contenders take turns within one run. A figure is the median over the rounds,
and a ratio the median of the ratios within a round: ours to theirs. The CPU is
that of the client's process, with all of its threads.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import traffic
from store_local import LOCAL, Accept
from store_network import NETWORK

from pixelmw import Collector

HERE = Path(__file__).resolve().parents[1]
CASES = LOCAL | NETWORK
THREADS = (1, 4, 16)
KEYS = 1000  # visitors
WARM_UP = 0.1  # of a turn: what is made once has been made then
FIGURES = {"rate": "events/s", "cpu_us": "CPU us", "p50_ms": "p50 ms", "p99_ms": "p99 ms"}
#: The event of the reference request.
EVENT = Collector([].append).collect("page", traffic.environ(traffic.ACCEPTED))


def turn(accept: Accept, threads: int, seconds: float) -> dict[str, float]:
    """Store from so many threads for so long; the figures of it."""
    taken: list[list[float]] = [[] for _ in range(threads)]
    failed: list[Exception] = []
    start = threading.Barrier(threads + 1)
    token = uuid.uuid4().hex
    end = 0.0

    def store(thread: int, times: list[float]) -> None:
        start.wait()
        number = thread
        try:
            while (before := time.perf_counter()) < end or not times:  # at least one, however busy the machine is
                own = {"messageId": f"{token}-{number}", "anonymousId": f"visitor-{number % KEYS}"}
                accept({**EVENT, **own})
                times.append(time.perf_counter() - before)
                number += threads
        except Exception as error:
            failed.append(error)

    workers = [threading.Thread(target=store, args=each) for each in enumerate(taken)]
    for worker in workers:
        worker.start()
    end = time.perf_counter() + seconds
    began, cpu = time.perf_counter(), time.process_time()
    start.wait()
    for worker in workers:
        worker.join()
    elapsed, cpu = time.perf_counter() - began, time.process_time() - cpu
    if failed:
        raise failed[0]
    latencies = sorted(latency for times in taken for latency in times)
    return {
        "rate": len(latencies) / elapsed,
        "cpu_us": cpu / len(latencies) * 1e6,
        "p50_ms": latencies[len(latencies) // 2] * 1000,
        "p99_ms": latencies[int(len(latencies) * 0.99)] * 1000,
    }


def serve() -> None:
    """Answer each line of JSON, an order, with the figures of a turn."""
    open_ones: dict[tuple[str, str], Accept] = {}
    with ExitStack() as stack:
        for line in sys.stdin:
            order = json.loads(line)
            key = order["case"], order["contender"]
            if key not in open_ones:
                make = CASES[order["case"]][order["contender"]]
                open_ones[key] = stack.enter_context(make(order["address"], order["name"]))
            turn(open_ones[key], order["threads"], order["seconds"] * WARM_UP)
            figures = turn(open_ones[key], order["threads"], order["seconds"])
            if hasattr(open_ones[key], "flush"):
                open_ones[key].flush()
            print(json.dumps(figures), flush=True)


class Checkout:
    """A checkout, in a process of its own."""

    def __init__(self, directory: Path) -> None:
        environ = {**os.environ, "PYTHONPATH": str(directory.resolve())}
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--serve"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ,
        )  # fmt: skip

    def ask(self, **order: object) -> dict[str, float]:
        """The figures of one turn."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(order), file=self._process.stdin, flush=True)
        if not (line := self._process.stdout.readline()):
            sys.exit(f"no answer to {order}")
        figures: dict[str, float] = json.loads(line)
        return figures

    def end(self) -> None:
        """End the process, and wait for that."""
        self._process.communicate(timeout=60)


def measure(
    case: str, address: str, checkouts: dict[str, Checkout], threads: int, options: argparse.Namespace
) -> dict[str, list[dict[str, float]]]:
    """Contender -> the figures of each round; the order turns from round to round."""
    contenders = [name for name in ("ours", "before", "raw", "user") if name in checkouts]
    results: dict[str, list[dict[str, float]]] = {name: [] for name in contenders}
    for number in range(options.rounds):
        first = number % len(contenders)
        for name in contenders[first:] + contenders[:first]:
            contender = "ours" if name == "before" else name
            order = {"case": case, "contender": contender, "address": address, "name": name}
            results[name].append(checkouts[name].ask(**order, threads=threads, seconds=options.seconds))
    return results


def summarize(results: dict[str, list[dict[str, float]]]) -> dict[str, dict[str, Any]]:
    """Medians, and medians of our ratios to each of the others."""
    return {
        name: {figure: statistics.median(each[figure] for each in rounds) for figure in FIGURES}
        | {
            f"ours:{figure}": statistics.median(
                ours[figure] / theirs[figure] for ours, theirs in zip(results["ours"], rounds, strict=True)
            )
            for figure in FIGURES
        }
        for name, rounds in results.items()
    }


def show(case: str, threads: int, rows: dict[str, dict[str, Any]]) -> None:
    """Print what came out of one case."""
    titles = "".join(f"{title:>10}{'ours':>7}" for title in FIGURES.values())
    print(f"\n{f'{case}, {threads} threads':24}{titles}")
    for name, row in rows.items():
        print(f"{name:24}" + "".join(f"{row[key]:10.2f}{row[f'ours:{key}']:7.2f}" for key in FIGURES), flush=True)


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path, metavar="DIRECTORY", nargs="?", help="an earlier checkout")
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES), metavar="SINK")
    parser.add_argument("--threads", nargs="+", type=int, default=THREADS)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.5, help="that each turn takes (default: 0.5)")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".json"))
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Compare, and write down what came out."""
    import store_servers  # only here, since an earlier checkout starts none

    options = arguments()
    document: dict[str, Any] = {}
    for case in options.only:
        document[case] = {}
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(dir="."))
            server = getattr(store_servers, case.lower(), None)
            address = stack.enter_context(server()) if server else str(Path(folder).resolve())
            this = Checkout(HERE)
            checkouts = {"ours": this, "raw": this, "user": this}
            if options.before:
                checkouts["before"] = Checkout(options.before)
            for threads in options.threads:
                rows = document[case][str(threads)] = summarize(measure(case, address, checkouts, threads, options))
                show(case, threads, rows)
            for checkout in set(checkouts.values()):
                checkout.end()
    options.output.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    serve() if "--serve" in sys.argv else main()
