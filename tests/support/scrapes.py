"""What a scrape of the Prometheus collector tells, taken apart for the tests."""

from __future__ import annotations

import inspect
import re
import textwrap
from contextlib import closing
from http.client import HTTPConnection

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families as parse

from pixelmw import Event
from pixelmw.delivery.metrics import HasCollector, HasStats, Metrics

DOCUMENTATION = inspect.getdoc(Metrics) or ""

#: The name of a series without the prefix, and the values of its labels.
Key = tuple[str, ...]


def registered(*args: HasStats | HasCollector, **deliveries: HasStats) -> CollectorRegistry:
    """A registry with nothing but our collector in it."""
    registry = CollectorRegistry()
    registry.register(Metrics(*args, **deliveries))
    return registry


def series(exposition: str) -> dict[Key, float]:
    """The value of each of our series in a scrape, by its name without the prefix and its labels' values."""
    samples = [sample for family in parse(exposition) for sample in family.samples]
    ours = [sample for sample in samples if sample.name.startswith("pixelmw_")]
    found = {(sample.name.removeprefix("pixelmw_"), *sample.labels.values()): sample.value for sample in ours}
    assert len(found) == len(ours)
    return found


def scrape(registry: CollectorRegistry) -> dict[Key, float]:
    """A scrape without HTTP."""
    return series(generate_latest(registry).decode())


def served(port: int, path: str = "/metrics") -> dict[Key, float]:
    """A scrape over HTTP."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        return series(answer.read().decode())


def delivery(registry: CollectorRegistry, name: str = "spool") -> dict[str, float]:
    """The figures of one wrapper in a scrape."""
    told = scrape(registry).items()
    return {key[0].removeprefix("delivery_"): value for key, value in told if key[1:] == (name,)}


def documented(after: str) -> str:
    """The block of code that follows these words in the docstring."""
    block = DOCUMENTATION.partition(f"{after}::\n\n")[2]
    code = re.match(r"(?:(?: {4}.*)?\n)+", block)
    assert code is not None
    return textwrap.dedent(code[0])


class Fickle:
    """A sink that takes events unless it has an error to raise."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        if self.error is not None:
            raise self.error
        self.events.append(event)
