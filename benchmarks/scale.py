"""How the cost grows: with parameters, depth, length and paths, under hostile queries, and over a million requests.

Run it with ``python benchmarks/scale.py``.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import contenders
import traffic
from schema_families import FAMILIES

from pixelmw import Limits, PixelMiddleware

WIDE = Limits(query_bytes=2**22, params=20_000, depth=64)
PREFIX = "writeKey=k&anonymousId=a"
SIZE = 32_768  # bytes: the default limit of a query


def middleware(**options: Any) -> PixelMiddleware:
    """pixelmw around nothing, with a sink that stores nothing."""
    return PixelMiddleware(contenders.floor(), contenders.sink, on_reject=lambda refusal: None, **options)


def microseconds(app: PixelMiddleware, query: str, path: str = "/pixel/v1/page") -> Callable[[], float]:
    """Makes a measurement: microseconds per request, over a fiftieth of a second."""
    environ = traffic.environ(query, path)

    def once() -> float:
        began, turns = time.perf_counter(), 0
        while (passed := time.perf_counter() - began) < 0.02:
            app(dict(environ), lambda status, headers, exc_info=None: len)
            turns += 1
        return passed / turns * 1e6

    return once


def medians(measurements: dict[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """The medians of *measurements* that take turns."""
    results: dict[str, list[float]] = {name: [] for name in measurements}
    for _ in range(rounds):
        for name, once in measurements.items():
            results[name].append(once())
    return {name: statistics.median(figures) for name, figures in results.items()}


def parameters(count: int, value: str = "a+value%20") -> str:
    """A query of *count* parameters, three to a family as in a usual event."""
    return f"{PREFIX}&" + "&".join(f"properties.group{n // 3}.name{n}={value}{n}" for n in range(count - 2))


def padded(query: str, filling: str, size: int = SIZE) -> str:
    """*query* with as much of *filling* as fits into *size* bytes."""
    return query + filling * ((size - len(query)) // len(filling))


#: Queries of 32 KB that are out for trouble, each in its own way.
HOSTILE = {
    "a.a.a. ...": padded("", "a."),
    "a name of 32 KB": padded(f"{PREFIX}&", "x"),
    "deep names": padded(PREFIX, "&" + "a." * 100 + "b=1"),
    "16,000 bare keys": padded(PREFIX, "&a"),
    "16,000 empty keys": padded(PREFIX, "&="),
    "ampersands": padded(PREFIX, "&"),
    "percent signs": padded(f"{PREFIX}&a=", "%"),
    "escaped separators": padded(f"{PREFIX}&a=", "%26%3D"),
    "escaped control characters": padded(f"{PREFIX}&a=", "%1E%1F"),
    "bytes that are not UTF-8": padded(f"{PREFIX}&a=", "%FF"),
    "NUL": padded(f"{PREFIX}&a=", "%00"),
    "backslashes": padded(f"{PREFIX}&a=1&", "\\", 250) + padded("=", "x"),
    "250 names of backslashes": "&".join([PREFIX, *("\\" * 120 + f"{n}=1" for n in range(250))]),
    "250 write keys": "&".join([PREFIX, *("writeKey=" + "k" * 110 for n in range(250))]),
    "250 conflicts": "&".join([PREFIX, *(f"a.b{'.c' * (n % 8)}.{'d' * 50}{n}=1&a.b=1" for n in range(125))]),
    "250 items in a list": "&".join([PREFIX, *(f"properties.list.{n}=" + "x" * 100 for n in range(250))]),
    "250 wrong types": "&".join(
        [PREFIX, *(f"context.screen.{name}.{n}=x" for n in range(60) for name in ("width", "height", "density"))]
    ),
    "a number of 32 KB": padded(f"{PREFIX}&context.screen.width=", "9"),
    "blanks of 32 KB": padded(f"{PREFIX}&context.screen.width=", "+"),
}
BENIGN = padded(parameters(250, "a%20longer+value%2C+" * 5), "x")


def resident() -> int:
    """The memory of this process at its highest so far, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def memory(requests: int) -> dict[str, float]:
    """KiB after ten thousand requests and after all of them, accepted, refused and hostile in turns."""
    app = middleware()
    environs = [traffic.environ(query) for query in (traffic.ACCEPTED, traffic.REFUSED, *HOSTILE.values())]
    usual = environs[:1] * 200
    figures = {}
    for number in range(requests):
        if number == 10_000:
            figures["after 10,000"] = float(resident())
        environ = usual[number % 200] if number % 100 else environs[number // 100 % len(environs)]
        app(dict(environ), lambda status, headers, exc_info=None: len)
    figures[f"after {requests:,}"] = float(resident())
    return figures


def show(title: str, figures: dict[str, float], reference: str) -> dict[str, Any]:
    """Print *figures* with their ratios to one of them; returns them for the file."""
    print(f"\n{title}")
    for name, figure in figures.items():
        print(f"{name:34}{figure:12.1f}{figure / figures[reference]:8.2f}")
    return {"figures": figures, "reference": reference}


def main() -> None:
    """Measure, and write down what came out."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15, help="turns of each measurement (default: 15)")
    parser.add_argument(
        "--requests", type=int, default=1_000_000, help="requests of the memory test (default: 1,000,000)"
    )
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".json"))
    options = parser.parse_args()
    document = {}

    def compare(
        title: str,
        app: Callable[[str], PixelMiddleware],
        queries: dict[str, str],
        reference: str,
        path: str = "/pixel/v1/page",
    ) -> dict[str, float]:
        measurements = {name: microseconds(app(name), query, path) for name, query in queries.items()}
        figures = medians(measurements, options.rounds)
        document[title] = show(f"{title}: us per request, ratio to {reference}", figures, reference)
        return figures

    # Memory first: what the other measurements need would hide what a million requests need.
    document["memory"] = show("memory: KiB, ratio to the first", memory(options.requests), "after 10,000")
    wide = middleware(limits=WIDE)
    counts = (10, 18, 50, 100, 256, 1000, 10_000)
    total = compare("parameters", lambda name: wide, {str(n): parameters(n) for n in counts}, "100")
    show("parameters: us per parameter, ratio to 100", {str(n): total[str(n)] / n for n in counts}, "100")
    depths = {str(n): f"{PREFIX}&{'.'.join('abcdefgh'[i % 8] for i in range(n))}=1" for n in (1, 5, 10, 64)}
    compare("depth of one name", lambda name: wide, depths, "1")
    lengths = {str(n): f"{PREFIX}&properties.text={'a%20b+' * (n // 6)}" for n in (60, 600, 6000, 30_000)}
    compare("length of one value", lambda name: wide, lengths, "60")
    mounted = {
        n: middleware(paths={"/pixel/v1/page": "page"} | {f"/{i}": "track" for i in range(int(n))})
        for n in ("0", "10", "1000")
    }
    compare("other mounted paths", mounted.__getitem__, dict.fromkeys(mounted, traffic.ACCEPTED), "0")
    ours = middleware()
    compare("hostile queries of 32 KB", lambda name: ours, {"benign": BENIGN} | HOSTILE, "benign")
    by_schema = {name: middleware(schemas={"track": schema}) for name, (schema, _, _) in FAMILIES.items()}
    plain = {"ordinary": parameters(250, "a+value%20")}
    for title, which in (("accepted by schemas of every family", 1), ("refused by schemas of every family", 2)):
        queries = {name: family[which] for name, family in FAMILIES.items()}
        compare(title, lambda name: by_schema.get(name, ours), plain | queries, "ordinary", "/pixel/v1/track")
    options.output.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
