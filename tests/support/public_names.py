"""What users import and from where, and which of it has a page in ``docs``."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Final

API_PAGES: Final = Path(__file__).parents[2] / "docs" / "reference" / "api"

IMPORT_PATHS: Final = {
    "pixelmw": (
        "PixelMiddleware Collector Rejected Discard Limits PATHS SEGMENT_PATHS TrackingPlan Event Sink __version__"
    ),
    "pixelmw.asgi": "PixelASGI",
    "pixelmw.sinks": (
        "SQLite JSONLines Log fan_out fallback BatchSink SinkError Undeliverable Unavailable PartialFailure StoreStats "
        "FallbackStats"
    ),
    "pixelmw.sinks.base": (
        "BatchSink SinkError Undeliverable Unavailable PartialFailure batch_writer start_sink close_sink "
        "raise_failures store"
    ),
    "pixelmw.sinks.sql": "SQL",
    "pixelmw.sinks.kafka": "Kafka",
    "pixelmw.sinks.redis": "RedisStream",
    "pixelmw.sinks.http": "HTTP",
    "pixelmw.delivery": "Background Spool Retry Full BackgroundStats DeliveryStats SpoolStats",
    "pixelmw.delivery.metrics": "Metrics",
    "pixelmw.replies": "Reply",
    "pixelmw.enrich": "client_context anonymize_ip",
    "pixelmw.live": "LiveView LiveAnswer",
    "pixelmw.links": "Links Signer LinkFields LongLinkWarning",
    "pixelmw.params": "Limits",
    "pixelmw.testing": "Recorder SinkContract check_sink collect sample_event Failing",
    "pixelmw.testing.fixtures": "recorder pixel_client",
    "pixelmw.contrib.django": "PixelMiddleware ModelSink with_connections",
    "pixelmw.contrib.flask": "Pixels",
}


def look_up(dotted: str) -> Any:
    """The object of a dotted name, the longest part of which that can be imported is its module."""
    module, _, name = dotted.rpartition(".")
    try:
        return getattr(import_module(module), name)
    except ModuleNotFoundError:
        return getattr(look_up(module), name)


def documented_names() -> Iterator[str]:
    """The names that have a directive of their own on a page of the public API."""
    for page in sorted(API_PAGES.glob("*.rst")):
        yield from re.findall(r"^\.\. (?:auto\w+|data):: ([\w.]+)", page.read_text(encoding="utf-8"), re.MULTILINE)


def example_of(documented: object) -> str:
    """The first indented block of a docstring, after ``::``."""
    found = re.search(r"::\n\n((?: +.*\n|\n)+)", f"{inspect.getdoc(documented)}\n")
    return textwrap.dedent(found[1]).strip() if found else ""
