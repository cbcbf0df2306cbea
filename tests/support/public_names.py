"""What users import, and from where."""

from __future__ import annotations

from typing import Final

IMPORT_PATHS: Final = {
    "pixelmw": "PixelMiddleware Collector Rejected Discard Limits PATHS Event Sink __version__",
    "pixelmw.sinks": (
        "SQLite JSONLines Log fan_out fallback BatchSink SinkError Undeliverable Unavailable PartialFailure"
    ),
    "pixelmw.sinks.base": (
        "BatchSink SinkError Undeliverable Unavailable PartialFailure batch_writer close_sink raise_failures"
    ),
    "pixelmw.sinks.sql": "SQL",
    "pixelmw.sinks.kafka": "Kafka",
    "pixelmw.sinks.redis": "RedisStream",
    "pixelmw.sinks.http": "HTTP",
    "pixelmw.delivery": "Background Spool Retry Full BackgroundStats DeliveryStats SpoolStats",
    "pixelmw.delivery.metrics": "Metrics",
    "pixelmw.replies": "Reply",
    "pixelmw.enrich": "client_context",
    "pixelmw.params": "Limits",
}
