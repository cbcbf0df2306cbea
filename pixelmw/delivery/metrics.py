"""A Prometheus collector for what the middleware, Spool and Background count."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

try:
    from prometheus_client import registry
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
except ImportError as error:
    raise ImportError("pixelmw.delivery.metrics needs prometheus-client: pip install pixelmw[metrics]") from error

from ..errors import STATUS_OF_CODE
from ..sinks.base import BatchSink

logger = logging.getLogger("pixelmw.delivery")

_Family = CounterMetricFamily | GaugeMetricFamily

# Each outcome that Collector.stats() counts, and its values of the labels outcome and code.
_OUTCOMES = {
    "accepted": ("accepted", ""),
    "discarded": ("discarded", ""),
    **{code: ("refused", code) for code in STATUS_OF_CODE},
    "unavailable": ("unavailable", "unavailable"),
}
# The metric of each figure in BackgroundStats and SpoolStats, of each limit, and of whether they are known.
_METRICS_OF_FIGURES: dict[str, tuple[type[_Family], str, str]] = {
    "up": (GaugeMetricFamily, "up", "Whether the other figures are known."),
    "stored": (CounterMetricFamily, "stored", "Events that this process has taken, in memory or on disk."),
    "forwarded": (CounterMetricFamily, "forwarded", "Events that the sink has taken from this process."),
    "retried": (CounterMetricFamily, "retries", "Calls of the sink that failed and are made again."),
    "dropped": (CounterMetricFamily, "dropped", 'Events lost because there was no room, if when_full is "drop".'),
    "dead": (CounterMetricFamily, "dead", "Events that became dead letters."),
    "repeated": (CounterMetricFamily, "repeated", "Events that the sink had already, if it tells."),
    "damaged": (CounterMetricFamily, "damaged", "Events lost to damage on disk."),
    "queued": (GaugeMetricFamily, "queued_events", "Events that wait, in this process or in the directory."),
    "max_queue": (GaugeMetricFamily, "queued_max_events", "Events that may wait in this process."),
    "queued_bytes": (GaugeMetricFamily, "queued_bytes", "Memory of the events that wait in this process."),
    "max_queued_bytes": (GaugeMetricFamily, "queued_max_bytes", "Memory that the events in this process may take."),
    "oldest": (GaugeMetricFamily, "oldest_age_seconds", "Age of the oldest event that waits."),
    "bytes": (GaugeMetricFamily, "directory_bytes", "Size of what waits in the directory."),
    "max_bytes": (GaugeMetricFamily, "directory_max_bytes", "Size that this may reach."),
    "dead_letters": (GaugeMetricFamily, "dead_letters", "Dead letters that wait in the directory."),
    "dead_bytes": (GaugeMetricFamily, "dead_bytes", "Size of dead letters and of damaged records."),
    "max_dead_bytes": (GaugeMetricFamily, "dead_max_bytes", "Size that these may reach."),
    "lost": (CounterMetricFamily, "lost", "Events lost because there was no room for more dead letters."),
}
# The limits are attributes of a delivery, and not among its stats(): of a Background, and of a Spool.
_LIMITS_IN_MEMORY = {"max_queue": "max_queue", "max_bytes": "max_queued_bytes"}
_LIMITS_ON_DISK = {"max_bytes": "max_bytes", "max_dead_bytes": "max_dead_bytes"}


class HasStats(Protocol):
    """Anything that can say figures about itself, by name."""

    def stats(self) -> Mapping[str, Any]:
        """Return the figures as they are now."""


class HasCollector(Protocol):
    """Anything with a collector, such as a ``PixelMiddleware``."""

    @property
    def collector(self) -> HasStats:
        """The object that counts requests."""


class Metrics(registry.Collector):
    """Gives Prometheus the figures of requests and of delivery.

    ::

        from prometheus_client import REGISTRY, make_wsgi_app
        from werkzeug.middleware.dispatcher import DispatcherMiddleware

        spool = Spool("/var/spool/pixelmw", Kafka("pixels", bootstrap_servers="..."))
        pixels = PixelMiddleware(app, spool)
        REGISTRY.register(Metrics(pixels, spool=spool))
        application = DispatcherMiddleware(pixels, {"/metrics": make_wsgi_app()})  # keep it away from the public

    It keeps no figures: each scrape asks ``stats()``. Every series is there from
    the first scrape on, as zero, so that ``rate()`` sees the first event.

    - ``pixelmw_requests_total{outcome, code}``: the outcome is accepted, discarded,
      refused or unavailable; the code is that of the refusal.
    - ``pixelmw_delivery_up{name}``: 0 if ``stats()`` of that delivery fails, for example because its disk is gone.
      The fault is logged. The other series of that delivery are missing from the scrape; those of all others are there.
    - ``pixelmw_delivery_``... ``stored_total``, ``forwarded_total``, ``retries_total``, ``dropped_total``,
      ``dead_total``, ``queued_events``, ``oldest_age_seconds``, all with the label ``name``. A Spool has
      ``damaged_total``, ``lost_total``, ``directory_bytes``, ``directory_max_bytes``, ``dead_letters``,
      ``dead_bytes`` and ``dead_max_bytes``, too, a Background ``queued_max_events``, ``queued_bytes`` and
      ``queued_max_bytes``.
    - ``pixelmw_events_repeated_total``, and ``pixelmw_delivery_repeated_total{name}``, if the sink stores each event
      once and tells which it had already: of the middleware's sink, and of the sink behind a delivery.

    Expressions to be alerted by::

        sum(rate(pixelmw_requests_total{outcome="unavailable"}[5m])) > 0
        sum(rate(pixelmw_requests_total{outcome="refused"}[15m])) / sum(rate(pixelmw_requests_total[15m])) > 0.05
        sum(rate(pixelmw_requests_total{outcome="accepted"}[15m])) == 0
        max by (name) (pixelmw_delivery_oldest_age_seconds) > 300
        max by (name) (pixelmw_delivery_directory_bytes / pixelmw_delivery_directory_max_bytes) > 0.8
        max by (name) (pixelmw_delivery_queued_events / pixelmw_delivery_queued_max_events) > 0.8
        max by (name) (pixelmw_delivery_queued_bytes / pixelmw_delivery_queued_max_bytes) > 0.8
        sum by (name) (increase(pixelmw_delivery_dead_total[1h])) > 0
        max by (name) (pixelmw_delivery_dead_bytes / pixelmw_delivery_dead_max_bytes) > 0.8
        sum by (name) (increase(pixelmw_delivery_lost_total[1h])) > 0
        sum by (name) (increase(pixelmw_delivery_dropped_total[1h])) > 0
        sum by (name) (increase(pixelmw_delivery_damaged_total[1h])) > 0
        pixelmw_delivery_up == 0

    Counters are those of the process that answers the scrape. If several workers
    share one port, each scrape reaches another worker, and ``rate()`` takes
    every change for a restart. prometheus-client's multiprocess mode does not know this collector.
    Either run one worker with many threads, or let each worker answer at a port of its own, and
    scrape them all, which in ``gunicorn.conf.py`` is::

        from prometheus_client import start_http_server

        def post_worker_init(worker):
            for port in range(9101, 9101 + 2 * worker.cfg.workers):  # at a reload, there are old workers and new ones
                try:
                    return start_http_server(port, addr="127.0.0.1")
                except OSError:  # another worker has this port
                    continue

    Then sum the figures that belong to a process: all counters, and what a Background
    holds. Each process of a Spool gives the figures of the directory in full, so take the maximum of its
    ``queued_events``, ``oldest_age_seconds``, ``directory_bytes``, ``dead_letters`` and ``dead_bytes``. All
    processes store to the directory,
    and one of them forwards.

    :param middleware: a ``PixelMiddleware`` or a ``Collector``, for its requests: anything with ``stats()``, or with
        a ``collector`` that has it.
    :param deliveries: each ``Spool`` or ``Background``, or anything else with ``stats()``, under the name that its
        label is to have. See :class:`pixelmw.delivery.SpoolStats` for the figures.
    :raises TypeError: for an argument of another kind, or none at all.
    :raises ValueError: for a name that no label can show.
    """

    def __init__(self, middleware: HasStats | HasCollector | None = None, **deliveries: HasStats) -> None:
        if middleware is None and not deliveries:
            raise TypeError("there is nothing to measure: give a middleware, a Spool or Background by name, or both")
        collector: Any = getattr(middleware, "collector", middleware)
        if collector is not None and (isinstance(collector, BatchSink) or not _has_stats(collector)):
            raise TypeError(f"middleware is {middleware!r}: give a PixelMiddleware or a Collector")
        for name, delivery in deliveries.items():
            if not _has_stats(delivery) or hasattr(delivery, "collector"):
                raise TypeError(f"{name} is {delivery!r}: give a Spool or a Background")
            if not name or not name.isprintable():
                raise ValueError(f"{name!r} is the name of {delivery!r}: give one that can be read")
        self._collector: HasStats | None = collector
        self._deliveries = deliveries
        self._logged_as_failing: set[str] = set()

    def describe(self) -> Iterator[_Family]:
        """The metrics without figures, so that registering them does not read a disk."""
        if self._collector is not None:
            yield _request_family({})
            yield _repeated_family({})
        if self._deliveries:
            yield from _delivery_families({})

    def collect(self) -> Iterator[_Family]:
        """The metrics as they are now."""
        if self._collector is not None:
            counts = self._collector.stats()
            yield _request_family(counts)
            yield _repeated_family(counts)
        if self._deliveries:
            # Each delivery is asked once, so that its figures belong together.
            yield from _delivery_families({name: self._figures_of(name) for name in self._deliveries})

    def _figures_of(self, name: str) -> dict[str, float]:
        """Return all that is known of a delivery, by the keys of ``_METRICS_OF_FIGURES``."""
        delivery = self._deliveries[name]
        try:
            names = _LIMITS_IN_MEMORY if hasattr(delivery, "max_queue") else _LIMITS_ON_DISK
            limits = {names[limit]: getattr(delivery, limit) for limit in names if hasattr(delivery, limit)}
            figures = {**delivery.stats(), **limits, "up": 1}
            known = {figure: float(figures[figure]) for figure in _METRICS_OF_FIGURES if figure in figures}
        except Exception:
            if name not in self._logged_as_failing:  # pixelmw_delivery_up says so each time
                self._logged_as_failing.add(name)
                logger.exception("there are no figures of %s for Prometheus", name)
            return {"up": 0}
        self._logged_as_failing.discard(name)
        return known


def _has_stats(given: object) -> bool:
    return callable(getattr(given, "stats", None)) and not isinstance(given, type)


def _request_family(counts: Mapping[str, float]) -> _Family:
    help_ = "GET requests, and those of a wrong method, that this process has answered."
    family = CounterMetricFamily("pixelmw_requests", help_, labels=("outcome", "code"))
    for counted, labels in _OUTCOMES.items():
        family.add_metric(labels, counts.get(counted, 0))
    return family


def _repeated_family(counts: Mapping[str, float]) -> _Family:
    help_ = "Events that were accepted and that the sink had already."
    family = CounterMetricFamily("pixelmw_events_repeated", help_)
    if "repeated" in counts:  # most sinks do not tell
        family.add_metric((), counts["repeated"])
    return family


def _delivery_families(figures: Mapping[str, Mapping[str, float]]) -> Iterator[_Family]:
    for figure, (kind, metric, help_) in _METRICS_OF_FIGURES.items():
        family = kind(f"pixelmw_delivery_{metric}", help_, labels=("name",))
        for name, known in figures.items():
            if figure in known:
                family.add_metric((name,), known[figure])
        yield family
