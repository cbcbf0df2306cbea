"""How many requests a second a real server answers: pixelmw beside what a user would write instead.

Run it with ``python benchmarks/serve.py``; it needs ``wrk`` on the path, and
gunicorn and granian in the environment. Each server runs each contender with
one worker of four threads. Figures are medians over the rounds; ratios are to
the floor of the same round on the same server.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import traffic

CONTENDERS = {"floor": "floor", "ours": "ours", "Flask view": "flask_view", "Django view": "django_view"}
SERVERS = {
    "gunicorn, gthread": "gunicorn --worker-class=gthread --threads=4 --bind=127.0.0.1:{port} contenders:{factory}()",
    "granian": "granian --interface=wsgi --blocking-threads=4 --port={port} --factory contenders:{factory}",
}
COLUMNS = {"requests_per_second": "requests/s", "p50_ms": "p50 ms", "p99_ms": "p99 ms"}
HERE = Path(__file__).parent
_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


def free_port() -> int:
    """A TCP port on loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(server: str, factory: str) -> Iterator[str]:
    """A server with one contender; yields the URL of the reference request."""
    port = free_port()
    program, *arguments = SERVERS[server].format(port=port, factory=factory).split()
    command = [str(Path(sys.executable).with_name(program)), *arguments]
    with subprocess.Popen(command, cwd=HERE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(port, process)
            yield f"http://127.0.0.1:{port}/pixel/v1/page?{traffic.ACCEPTED}"
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


def load(url: str, seconds: float) -> dict[str, float]:
    """Requests per second, and the 50th and 99th percentile of the latency in milliseconds."""
    command = ["wrk", "--threads=1", "--connections=8", f"--duration={seconds}s", "--latency", url]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in output or "Socket errors" in output:
        sys.exit(f"requests failed:\n{output}")
    figures = {"requests_per_second": float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1])}
    for percentile in ("50", "99"):
        number, unit = re.search(rf"{percentile}%\s+([\d.]+)(us|ms|s)", output).groups()
        figures[f"p{percentile}_ms"] = float(number) * _UNITS[unit]
    return figures


def measure(server: str, rounds: int, seconds: float) -> dict[str, dict[str, list[float]]]:
    """Contender -> figure -> one value a round.

    In each round all contenders are started afresh, since one start is up to a
    fifth faster than another of the same program, and take turns at being
    loaded, in an order that changes from round to round.
    """
    results: dict[str, dict[str, list[float]]] = {name: {key: [] for key in COLUMNS} for name in CONTENDERS}
    for number in range(rounds):
        names = list(CONTENDERS)
        names = names[number % len(names) :] + names[: number % len(names)]
        with ExitStack() as stack:
            urls = {name: stack.enter_context(serving(server, CONTENDERS[name])) for name in names}
            for warming_up in (True, False):
                for name in names:
                    figures = load(urls[name], 1 if warming_up else seconds)
                    for key in () if warming_up else COLUMNS:
                        results[name][key].append(figures[key])
    return results


def summarize(results: dict[str, dict[str, list[float]]]) -> dict[str, dict[str, float]]:
    """Medians, and medians of the ratios to the floor of the same round: what slows the machine slows both."""
    floor = results["floor"]
    return {
        name: {key: statistics.median(figures[key]) for key in COLUMNS}
        | {
            f"{key}_to_floor": statistics.median(a / b for a, b in zip(figures[key], floor[key], strict=True))
            for key in COLUMNS
        }
        for name, figures in results.items()
    }


def main() -> None:
    """Measure each server, and write down what came out."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15, help="turns of each contender (default: 15)")
    parser.add_argument("--seconds", type=int, default=1, help="seconds of load in each turn (default: 1)")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".json"))
    options = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("wrk is not installed; Debian and Homebrew have a package of that name")
    document = {}
    for server in SERVERS:
        figures = document[server] = summarize(measure(server, options.rounds, options.seconds))
        print(f"\n{server:20}" + "".join(f"{title:>12}{'to floor':>10}" for title in COLUMNS.values()))
        for name, row in figures.items():
            print(
                f"{name:20}" + "".join(f"{row[key]:12.2f}{row[key] / figures['floor'][key]:10.2f}" for key in COLUMNS)
            )
    options.output.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
