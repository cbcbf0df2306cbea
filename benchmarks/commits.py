"""How long a request takes in two checkouts of pixelmw: this one and an earlier one, in turns within one run.

Run it with ``python benchmarks/commits.py DIRECTORY``, where DIRECTORY is the
other checkout (``git worktree add DIRECTORY COMMIT`` makes one). Each checkout
has a process of its own; they take turns, and a ratio is the median of the
ratios within a round: below 1 this checkout is faster.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import traffic

from pixelmw import PixelMiddleware
from pixelmw.delivery import Background

TURN = 0.05  # seconds that one case of one checkout runs before the other one's does
HERE = Path(__file__).resolve().parents[1]
Application = Callable[..., Iterable[bytes]]


class Batches:
    """A sink that takes every batch at once."""

    def __call__(self, event: dict[str, Any]) -> None:
        """Take one event."""

    def write(self, events: list[dict[str, Any]]) -> None:
        """Take a batch."""


def host(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """The application that is wrapped."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b""]


def cases() -> dict[str, tuple[Application, dict[str, Any], Callable[[], object]]]:
    """What is measured: an application, a request, and what is done after each turn, outside the measurement."""
    plain = PixelMiddleware(host, lambda event: None, on_reject=lambda refusal: None)
    own = PixelMiddleware(host, lambda event: None, schemas={"page": traffic.SCHEMA_OF_30})
    # One forwards nothing within a turn, so that only the request is measured; the other one does, by its defaults.
    still = Background(Batches(), max_queue=10**6, max_batch=10**6, max_delay=60)
    moving = Background(Batches(), max_queue=10**6)
    accepted, refused = traffic.environ(traffic.ACCEPTED), traffic.environ(traffic.REFUSED)
    return {
        "accepted page event": (plain, accepted, int),
        "refused event": (plain, refused, int),
        "accepted, a schema of 30 properties and a oneOf": (own, traffic.environ(traffic.OWN_SCHEMA), int),
        "pass-through": (plain, {**traffic.environ(""), "PATH_INFO": "/"}, int),
        "into a Background": (PixelMiddleware(host, still), accepted, still.flush),
        "into a Background that is forwarding": (PixelMiddleware(host, moving), accepted, moving.flush),
    }


def turn(app: Application, environ: dict[str, Any], times: int) -> float:
    """Microseconds per request."""
    requests = [dict(environ) for _ in range(times)]
    gc.collect()
    began = time.perf_counter()
    for request in requests:
        b"".join(app(request, lambda status, headers, exc_info=None: None))
    return (time.perf_counter() - began) / times * 1e6


def serve() -> None:
    """Answer each line, the name of a case, with what a request takes."""
    contestants = cases()
    times = {}
    for name, (app, environ, after) in contestants.items():
        times[name] = max(1, int(TURN / (turn(app, environ, 100) / 1e6)))
        after()
    for line in sys.stdin:
        app, environ, after = contestants[line.rstrip("\n")]
        print(turn(app, environ, times[line.rstrip("\n")]), flush=True)
        after()


class Contender:
    """A checkout, in a process of its own."""

    def __init__(self, checkout: Path) -> None:
        environ = {**os.environ, "PYTHONPATH": str(checkout.resolve())}
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--serve"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ,
        )  # fmt: skip

    def ask(self, case: str) -> float:
        """Microseconds per request."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{case}\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())

    def end(self) -> None:
        """End the process, and wait for that."""
        self._process.communicate(timeout=30)


def main() -> None:
    """Compare, and write down what came out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path, metavar="DIRECTORY", nargs="?", default=HERE, help="the other checkout")
    parser.add_argument("--rounds", type=int, default=101)
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".json"))
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        return serve()
    before, after = Contender(options.before), Contender(HERE)
    document = {}
    print(f"{'':50}{'before us':>10}{'after us':>10}{'ratio':>8}")
    for case in cases():
        figures = []
        for number in range(options.rounds):
            order = (before, after) if number % 2 else (after, before)
            taken = {contender: contender.ask(case) for contender in order}
            figures.append((taken[before], taken[after]))
        ratio = statistics.median(new / old for old, new in figures)
        old, new = (statistics.median(column) for column in zip(*figures, strict=True))
        document[case] = {"before_us": old, "after_us": new, "ratio": ratio}
        print(f"{case:50}{old:10.1f}{new:10.1f}{ratio:8.3f}", flush=True)
    before.end()
    after.end()
    options.output.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return None


if __name__ == "__main__":
    main()
