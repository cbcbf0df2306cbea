"""How many requests a second a real server answers: pixelmw beside what a user would write instead.

Run it with ``python benchmarks/serve.py``; it needs ``wrk`` on the path, and
gunicorn, granian and uvicorn in the environment. First, each server runs each
contender with one worker of four threads. Then it runs pixelmw with sinks that
keep what they take, with two workers of 32 threads and 64 connections, beside a
sink that does nothing. Both are made under ASGI, too, and how long another path
of the host takes while a slow sink stores; ``--only`` chooses one. The CPU is that of the server
with its workers, and of PostgreSQL. Figures are medians over the rounds; ratios
are to the first contender of the same round on the same server.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from serve_comparisons import COMPARISONS, PIXEL, SERVERS, SPEAKS, Comparison
from store_servers import backends, process_tree

COLUMNS = {"requests_per_second": "requests/s", "cpu_us": "CPU us", "p50_ms": "p50 ms", "p99_ms": "p99 ms"}
HERE = Path(__file__).parent
_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


def free_port() -> int:
    """A TCP port on loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Running(NamedTuple):
    """A server with one contender.

    :ivar url: without a path.
    """

    url: str
    pids: list[int]

    def cpu(self) -> float:
        """Seconds of CPU of all its processes, and of the database behind it, so far."""
        families = [member.pid for pid in self.pids for member in process_tree.family(pid)]
        stats = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in families]
        # In user mode and in the kernel, its own and that of children that have ended.
        return sum(int(ticks) for stat in stats for ticks in stat[11:15]) / os.sysconf("SC_CLK_TCK")


@contextmanager
def serving(server: str, factory: str, comparison: Comparison) -> Iterator[Running]:
    """A server with one contender."""
    port = free_port()
    places = {name: getattr(comparison, name) for name in ("workers", "threads", "interface")}
    program, *arguments = SERVERS[server].format(port=port, factory=factory, **places).split()
    command = [str(Path(sys.executable).with_name(program)), *arguments]
    with ExitStack() as stack:
        store, pids = stack.enter_context(tempfile.TemporaryDirectory(dir=".")), []
        if factory.endswith(("postgresql", "asyncpg")):
            database = stack.enter_context(backends.postgres(durable=True))
            store, pids = database.url, [database.pid]
        process = stack.enter_context(
            subprocess.Popen(
                command, cwd=HERE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env={**os.environ, "STORE": str(Path(store).resolve() if not pids else store)},
            )
        )  # fmt: skip
        try:
            wait_for(port, process)
            yield Running(f"http://127.0.0.1:{port}", [process.pid, *pids])
        finally:
            process.terminate()


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return once somebody listens on *port*; give up after twenty seconds."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit(f"nobody listens: {process.args!r}")


@contextmanager
def asking_for_pixels(running: Running, seconds: float, connections: int) -> Iterator[None]:
    """Ask for pixels meanwhile, by so many connections."""
    command = ["wrk", "--threads=1", f"--connections={connections}", f"--duration={seconds}s", running.url + PIXEL]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield
        require_success(process.communicate()[0])


def require_success(output: str) -> None:
    """Return if wrk says that each request was answered."""
    if "Non-2xx" in output or "Socket errors" in output:
        sys.exit(f"requests failed:\n{output}")


def load(running: Running, seconds: float, comparison: Comparison, *, beside: bool) -> dict[str, float]:
    """Requests per second, CPU for each, and the 50th and 99th percentile of the latency in milliseconds.

    :param beside: ask for pixels meanwhile, if the comparison is made so.
    """
    options = ["--threads=1", f"--connections={comparison.connections}", f"--duration={seconds}s", "--latency"]
    before = running.cpu()
    with ExitStack() as stack:
        if beside and comparison.pixel_connections:
            stack.enter_context(asking_for_pixels(running, seconds, comparison.pixel_connections))
        command = ["wrk", *options, running.url + comparison.target]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    cpu = running.cpu() - before
    require_success(output)
    figures = {"requests_per_second": float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1])}
    # Before a server is warm, a second may pass without an answer.
    figures["cpu_us"] = cpu / max(1, int(re.search(r"(\d+) requests in", output)[1])) * 1e6
    for percentile in ("50", "99"):
        number, unit = re.search(rf"{percentile}%\s+([\d.]+)(us|ms|s)", output).groups()
        figures[f"p{percentile}_ms"] = float(number) * _UNITS[unit]
    return figures


def measure(server: str, comparison: Comparison, rounds: int, seconds: int) -> dict[str, dict[str, list[float]]]:
    """Contender -> figure -> one value a round.

    In each round all contenders are started afresh, since one start is up to a
    fifth faster than another of the same program, and take turns at being
    loaded, in an order that changes from round to round.
    """
    contenders = comparison.contenders
    results: dict[str, dict[str, list[float]]] = {name: {key: [] for key in COLUMNS} for name in contenders}
    for number in range(rounds):
        names = list(contenders)
        names = names[number % len(names) :] + names[: number % len(names)]
        with ExitStack() as stack:
            running = {name: stack.enter_context(serving(server, contenders[name], comparison)) for name in names}
            for warming_up in (True, False):
                for name in names:
                    beside = name != next(iter(contenders))
                    figures = load(running[name], 1 if warming_up else seconds, comparison, beside=beside)
                    for key in () if warming_up else COLUMNS:
                        results[name][key].append(figures[key])
    return results


def summarize(results: dict[str, dict[str, list[float]]]) -> dict[str, dict[str, float]]:
    """Medians, and medians of the ratios to the first one in the same round: what slows the machine slows both."""
    first = next(iter(results.values()))
    return {
        name: {key: statistics.median(figures[key]) for key in COLUMNS}
        | {
            f"{key}_ratio": statistics.median(a / b for a, b in zip(figures[key], first[key], strict=True))
            for key in COLUMNS
        }
        for name, figures in results.items()
    }


def main() -> None:
    """Measure each server, and write down what came out."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", choices=COMPARISONS, help="make only this comparison")
    parser.add_argument("--connections", type=int, help="in place of those of the comparison")
    parser.add_argument("--servers", choices=SERVERS, nargs="+", default=list(SERVERS))
    parser.add_argument("--rounds", type=int, default=15, help="turns of each contender (default: 15)")
    parser.add_argument("--seconds", type=int, default=1, help="seconds of load in each turn (default: 1)")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".json"))
    options = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("wrk is not installed; Debian and Homebrew have a package of that name")
    document: dict[str, dict[str, dict[str, dict[str, float]]]] = {}
    for kind in [options.only] if options.only else COMPARISONS:
        document[kind] = {}
        comparison = COMPARISONS[kind]
        if options.connections:
            comparison = comparison._replace(connections=options.connections)
        for server in filter(options.servers.__contains__, SPEAKS[comparison.interface]):
            figures = summarize(measure(server, comparison, options.rounds, options.seconds))
            document[kind][server] = figures
            print(f"\n{server:20}" + "".join(f"{title:>12}{'ratio':>10}" for title in COLUMNS.values()))
            for name, row in figures.items():
                print(f"{name:20}" + "".join(f"{row[key]:12.2f}{row[f'{key}_ratio']:10.2f}" for key in COLUMNS))
    options.output.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
