"""What a scrape of the Prometheus collector tells, taken apart for the tests."""

import inspect
import re
import textwrap
from contextlib import closing
from http.client import HTTPConnection

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families as parse

from pixelmw.delivery.metrics import Metrics

DOCUMENTATION = inspect.getdoc(Metrics)


def registered(*args, **deliveries):
    """A registry with nothing but our collector in it."""
    registry = CollectorRegistry()
    registry.register(Metrics(*args, **deliveries))
    return registry


def series(exposition):
    """The value of each of our series in a scrape, by its name without the prefix and its labels' values."""
    samples = [sample for family in parse(exposition) for sample in family.samples]
    ours = [sample for sample in samples if sample.name.startswith("pixelmw_")]
    found = {(sample.name.removeprefix("pixelmw_"), *sample.labels.values()): sample.value for sample in ours}
    assert len(found) == len(ours)
    return found


def scrape(registry):
    """A scrape without HTTP."""
    return series(generate_latest(registry).decode())


def served(port, path="/metrics"):
    """A scrape over HTTP."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        return series(answer.read().decode())


def delivery(registry, name="spool"):
    """The figures of one wrapper in a scrape."""
    told = scrape(registry).items()
    return {key[0].removeprefix("delivery_"): value for key, value in told if key[1:] == (name,)}


def documented(after):
    """The block of code that follows these words in the docstring."""
    block = DOCUMENTATION.partition(f"{after}::\n\n")[2]
    return textwrap.dedent(re.match(r"(?:(?: {4}.*)?\n)+", block)[0])


class Fickle:
    """A sink that takes events unless it has an error to raise."""

    def __init__(self, error=None):
        self.error = error
        self.events = []

    def __call__(self, event):
        if self.error is not None:
            raise self.error
        self.events.append(event)
