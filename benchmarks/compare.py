"""How long a request takes in process: pixelmw beside what a user would write instead.

Run it with ``python benchmarks/compare.py``. All contenders take turns in one
run; a figure is the median over the turns, its spread the middle half of them.
The results go to the terminal and to ``benchmarks/compare.json``.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import contenders
import frameworks
import traffic

Contender = tuple[contenders.Application, dict[str, Any]]
ROUNDS = 101
TURN = 0.005  # seconds that one contender runs before the next one does


def cases() -> dict[str, dict[str, Contender]]:
    """What is compared: case -> contender -> application and request."""
    flask, django, naive = contenders.flask_view(), contenders.django_view(), contenders.naive_view()
    ours, bare = contenders.ours(), contenders.empty_flask()
    wrapped = contenders.PixelMiddleware(bare, contenders.sink)
    accepted, refused, home = map(traffic.environ, (traffic.ACCEPTED, traffic.REFUSED, ""))
    own, mail = traffic.environ(traffic.OWN_SCHEMA), traffic.environ(traffic.MAIL)
    home["PATH_INFO"] = "/"
    image = {**accepted, "PATH_INFO": "/image"}
    return {
        "accepted page event": {
            "floor": (contenders.floor(), accepted),
            "ours": (ours, accepted),
            "Flask view": (flask, accepted),
            "Django view": (django, accepted),
            "Flask view, jsonschema.validate()": (naive, accepted),
        },
        "accepted page event of a mail (six parameters, no language)": {
            "ours": (ours, mail),
            "Flask view": (flask, mail),
        },
        "refused event (one wrong type)": {"ours": (ours, refused), "Flask view": (flask, refused)},
        "accepted event, a schema of 30 typed properties and a oneOf": {
            "ours": (contenders.ours(traffic.SCHEMA_OF_30), own),
            "Flask view": (contenders.flask_view(traffic.SCHEMA_OF_30), own),
        },
        "accepted event, a schema with one rule for each of 50 events": _with_schema(
            traffic.SCHEMA_PER_EVENT, traffic.PER_EVENT, ("total", "count")
        ),
        "accepted event, a schema with an optional number in 20 places": _with_schema(
            traffic.SCHEMA_OF_OPTIONALS, traffic.OPTIONALS, tuple(f"number_{index}" for index in range(20))
        ),
        "pass-through to an empty Flask view": {"unwrapped": (bare, home), "wrapped": (wrapped, home)},
        "accepted page event, through each shell": {
            "ours": (ours, accepted),
            "Flask extension": (frameworks.flask_extension(), accepted),
            "Django middleware, WSGI": (frameworks.django_wsgi(pixels=True), accepted),
            "Django middleware, ASGI": (frameworks.django_asgi(pixels=True), accepted),
            "Django, WSGI: a view that sends the image": (frameworks.django_wsgi(pixels=False), image),
            "Django, ASGI: a view that sends the image": (frameworks.django_asgi(pixels=False), image),
        },
        "pass-through to an empty Django view": {
            "unwrapped": (frameworks.django_wsgi(pixels=False), home),
            "with the middleware": (frameworks.django_wsgi(pixels=True), home),
        },
        "pass-through to an empty Django view, ASGI": {
            "unwrapped": (frameworks.django_asgi(pixels=False), home),
            "with the middleware": (frameworks.django_asgi(pixels=True), home),
        },
    }


def _with_schema(schema: dict[str, Any], query: str, numbers: tuple[str, ...]) -> dict[str, Contender]:
    """pixelmw and a view that turns the properties in *numbers* into numbers by hand."""
    environ = traffic.environ(query)
    return {
        "ours": (contenders.ours(schema), environ),
        "Flask view": (contenders.flask_view(schema, numbers), environ),
    }


def answer(app: contenders.Application, environ: dict[str, Any]) -> tuple[str, bytes]:
    """Status and body of one request, to see that all contenders do the job."""
    status = []
    body = app(dict(environ), lambda *started: status.append(started[0]))
    return status[0].partition(" ")[0], b"".join(body)


def turn(app: contenders.Application, environ: dict[str, Any], times: int) -> float:
    """Microseconds per request, over one turn of *times* requests."""
    requests = [dict(environ) for _ in range(times)]  # frameworks leave things behind in an environ

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        return len

    began = time.perf_counter()
    for request in requests:
        body = app(request, start_response)
        for _ in body:
            pass
        if hasattr(body, "close"):
            body.close()
    return (time.perf_counter() - began) / times * 1e6


def measure(contestants: dict[str, Contender], rounds: int) -> dict[str, list[float]]:
    """Microseconds per request, contender -> one figure a round; the order turns round from round to round."""
    times = {name: max(1, int(TURN / (turn(*contender, 20) / 1e6))) for name, contender in contestants.items()}
    results: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds):
        names = list(contestants)
        gc.collect()
        for name in names[number % len(names) :] + names[: number % len(names)]:
            results[name].append(turn(*contestants[name], times[name]))
    return results


def report(case: str, results: dict[str, list[float]], reference: str) -> dict[str, Any]:
    """Print one case as a table; returns it for the file."""
    print(f"\n{case}\n{'':42}{'median us':>10}{'middle half':>16}{'ratio':>8}")
    rows = {}
    for name, figures in results.items():
        low, median, high = statistics.quantiles(figures, n=4)
        # Ratios are taken round by round, so that what slows the machine down for a while slows both.
        ratio = statistics.median(a / b for a, b in zip(figures, results[reference], strict=True))
        rows[name] = {"median_us": median, "quartiles_us": [low, high], f"ratio_to_{reference}": ratio}
        print(f"{name:42}{median:10.1f}{low:8.1f}-{high:<7.1f}{ratio:8.3f}")
    return rows


def main() -> None:
    """Compare, and write down what came out."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"turns of each contender (default: {ROUNDS})")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".json"))
    options = parser.parse_args()
    python = f"{platform.python_implementation()} {platform.python_version()}"
    print(f"{python}; the request has {len(traffic.PARAMETERS)} parameters in {len(traffic.ACCEPTED)} bytes")
    document: dict[str, Any] = {"python": python, "rounds": options.rounds, "cases": {}}
    for case, contestants in cases().items():
        answers = {answer(*contender) for contender in contestants.values()}
        if len(answers) > 1:
            sys.exit(f"{case}: the contenders disagree: {answers}")
        reference = "ours" if "ours" in contestants else "unwrapped"
        document["cases"][case] = report(case, measure(contestants, options.rounds), reference)
    options.output.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
