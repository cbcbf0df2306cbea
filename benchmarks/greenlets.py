"""How long the host's own pages take in a gevent worker of gunicorn: in peace, and while a destination is in trouble.

Run it with ``python benchmarks/greenlets.py``. Visitors send pixels all the
time, and one client asks for a page of the host. The database of ``SQLite`` is
locked by another process; the broker of ``Kafka`` is frozen, so that it keeps its
connections, or killed. Peace and trouble take turns within one run of the server. A
figure is the median over the rounds, a difference the median of those within a round.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

# Where the tests are found, too, which are not installed.
from store_servers import backends as _backends  # noqa: F401

from pixelmw.sinks import SQLite
from tests.support import faults
from tests.support.kafka_site import PAUSE, Site
from tests.support.loads import Load
from tests.support.servers import Server, send, started
from tests.support.tansu import Tansu, tansu

CLIENTS = 6  # of pixels
PAGE_PAUSE = 0.003  # seconds between two pages
FIGURES = {"p50": 0.5, "p99": 0.99, "longest": 1.0}
Trouble = Callable[[], AbstractContextManager[object]]


class Case(NamedTuple):
    """A server that is asked.

    :ivar path: of the pixel.
    """

    server: Server
    path: str
    trouble: Trouble


@contextmanager
def sqlite(directory: Path, sink: str) -> Iterator[Case]:
    """A database that another process locks."""
    environ = {"PIXELMW_TEST_DIRECTORY": str(directory), "PIXELMW_TEST_SINK": sink}
    with faults.locked(directory, "events.db") as (path, lasting):
        with SQLite(path):
            pass
        app = "tests.support.locked_app:application"
        with started("gunicorn-gevent", app, directory, "--workers=1", **environ) as server:
            yield Case(server, "/pixel/v1/track", lasting)


@contextmanager
def kafka(directory: Path, way: str, trouble: Callable[[Tansu], AbstractContextManager[object]]) -> Iterator[Case]:
    """A broker."""
    with tansu() as broker:
        site = Site(broker, "pages", directory, timeout=10_000)
        with site.running("gunicorn-gevent") as server:
            yield Case(server, f"/{way}", lambda: trouble(broker))


@contextmanager
def killed(broker: Tansu) -> Iterator[None]:
    """No broker for the block."""
    broker.kill()
    try:
        yield
    finally:
        broker.start()


CASES: dict[str, Callable[[Path], AbstractContextManager[Case]]] = {
    "SQLite locked": lambda directory: sqlite(directory, "sqlite"),
    "SQLite locked, Spool": lambda directory: sqlite(directory, "spool"),
    "Kafka frozen": lambda directory: kafka(directory, "direct", Tansu.frozen),
    "Kafka frozen, Spool": lambda directory: kafka(directory, "spooled", Tansu.frozen),
    "Kafka killed": lambda directory: kafka(directory, "direct", killed),
    "Kafka killed, Spool": lambda directory: kafka(directory, "spooled", killed),
}


def pages(port: int, seconds: float) -> dict[str, float]:
    """Ask for the page for so long; returns how many milliseconds it took."""
    times: list[float] = []
    end = time.monotonic() + seconds
    while (start := time.monotonic()) < end:
        assert send(port, "GET", "/").status == 200
        times.append((time.monotonic() - start) * 1000)
        time.sleep(PAGE_PAUSE)
    times.sort()
    return {name: times[min(int(len(times) * share), len(times) - 1)] for name, share in FIGURES.items()}


def measure(case: Case, rounds: int, seconds: float) -> tuple[list[dict[str, float]], list[dict[str, float]]]:
    """Return the figures of each round in peace and in trouble."""
    peace, trouble = [], []
    with Load(case.server.port, clients=CLIENTS, path=case.path, pause=PAUSE) as load:
        for _ in range(rounds):
            load.wait_for(20)
            peace.append(pages(case.server.port, seconds))
            with case.trouble():
                trouble.append(pages(case.server.port, seconds))
    return peace, trouble


def main() -> None:
    """Measure all, and write down what came out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES), metavar="CASE")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=6.0, help="that each turn takes (default: 6)")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".json"))
    options = parser.parse_args()
    document = {}
    print(f"{'a page of the host, ms':26}" + "".join(f"{name:>12}{'in trouble':>12}{'more':>9}" for name in FIGURES))
    for name in options.only:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory())).resolve()
            peace, trouble = measure(stack.enter_context(CASES[name](folder)), options.rounds, options.seconds)
        row = document[name] = {
            figure: {
                "peace": statistics.median(each[figure] for each in peace),
                "trouble": statistics.median(each[figure] for each in trouble),
                "more": statistics.median(b[figure] - a[figure] for a, b in zip(peace, trouble, strict=True)),
            }
            for figure in FIGURES
        }
        values = (f"{each['peace']:12.1f}{each['trouble']:12.1f}{each['more']:9.1f}" for each in row.values())
        print(f"{name:26}" + "".join(values), flush=True)
    options.output.write_text(json.dumps({"cases": document}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
