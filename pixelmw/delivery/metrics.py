"""A Prometheus collector over what the middleware and the delivery wrappers count."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping

try:
    from prometheus_client import registry
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
except ImportError as error:
    raise ImportError("pixelmw.delivery.metrics needs prometheus-client: pip install pixelmw[metrics]") from error

from ..collector import Collector
from ..errors import STATUS_OF_CODE
from ..middleware import PixelMiddleware
from .base import Delivery

logger = logging.getLogger("pixelmw")

_Family = CounterMetricFamily | GaugeMetricFamily

# What Collector.stats() counts, and the labels outcome and code that say so.
_OUTCOMES = {
    "accepted": ("accepted", ""),
    "discarded": ("discarded", ""),
    **{code: ("refused", code) for code in STATUS_OF_CODE},
    "unavailable": ("unavailable", "unavailable"),
}
# What is known of a wrapper, and the metric that it becomes.
_FIGURES: dict[str, tuple[type[_Family], str, str]] = {
    "up": (GaugeMetricFamily, "up", "Whether the other figures are known."),
    "stored": (CounterMetricFamily, "stored", "Events that this process has taken, in memory or on disk."),
    "forwarded": (CounterMetricFamily, "forwarded", "Events that the sink has taken from this process."),
    "retried": (CounterMetricFamily, "retries", "Calls of the sink that failed and are made again."),
    "dropped": (CounterMetricFamily, "dropped", 'Events lost for lack of room, where when_full is "drop".'),
    "dead": (CounterMetricFamily, "dead", "Events that became dead letters."),
    "damaged": (CounterMetricFamily, "damaged", "Events lost to damage on disk."),
    "queued": (GaugeMetricFamily, "queued_events", "Events that wait, in this process or in the directory."),
    "max_queue": (GaugeMetricFamily, "queued_max_events", "Events that may wait in this process."),
    "oldest": (GaugeMetricFamily, "oldest_age_seconds", "Age of the oldest event that waits."),
    "bytes": (GaugeMetricFamily, "directory_bytes", "Size of all files in the directory."),
    "max_bytes": (GaugeMetricFamily, "directory_max_bytes", "Size that the directory may reach."),
}
_LIMITS = ("max_queue", "max_bytes")


class Metrics(registry.Collector):
    """Tells Prometheus how requests ended, and how delivery goes.

    ::

        from prometheus_client import REGISTRY, make_wsgi_app
        from werkzeug.middleware.dispatcher import DispatcherMiddleware

        spool = Spool("/var/spool/pixelmw", Kafka("pixels", bootstrap_servers="..."))
        pixels = PixelMiddleware(app, spool)
        REGISTRY.register(Metrics(pixels, spool=spool))
        application = DispatcherMiddleware(pixels, {"/metrics": make_wsgi_app()})  # not for everybody's eyes

    It keeps no figures: each scrape asks ``stats()``. Every series is there,
    as zero, from the first scrape on, so that ``rate()`` sees the first event.

    - ``pixelmw_requests_total{outcome, code}``: the outcome is accepted, discarded,
      refused or unavailable; the code is that of the refusal.
    - ``pixelmw_delivery_up{name}``: 0 where ``stats()`` of a wrapper fails, as where its disk is gone. The fault
      is logged, that wrapper's other series are missing from the scrape, and all others are there.
    - ``pixelmw_delivery_``... ``stored_total``, ``forwarded_total``, ``retries_total``, ``dropped_total``,
      ``dead_total``, ``queued_events``, ``oldest_age_seconds``, all with the label ``name``. A Spool has
      ``damaged_total``, ``directory_bytes`` and ``directory_max_bytes``, too, a Background ``queued_max_events``.

    Expressions to be alerted by::

        sum(rate(pixelmw_requests_total{outcome="unavailable"}[5m])) > 0
        sum(rate(pixelmw_requests_total{outcome="refused"}[15m])) / sum(rate(pixelmw_requests_total[15m])) > 0.05
        sum(rate(pixelmw_requests_total{outcome="accepted"}[15m])) == 0
        max by (name) (pixelmw_delivery_oldest_age_seconds) > 300
        max by (name) (pixelmw_delivery_directory_bytes / pixelmw_delivery_directory_max_bytes) > 0.8
        max by (name) (pixelmw_delivery_queued_events / pixelmw_delivery_queued_max_events) > 0.8
        sum by (name) (increase(pixelmw_delivery_dead_total[1h])) > 0
        sum by (name) (increase(pixelmw_delivery_dropped_total[1h])) > 0
        sum by (name) (increase(pixelmw_delivery_damaged_total[1h])) > 0
        pixelmw_delivery_up == 0

    Counters are those of the process that answers the scrape. Of several workers
    behind one port, each scrape would meet another, and ``rate()`` would take
    every change for a restart; prometheus-client's multiprocess mode does not know of this collector.
    Either let one worker have many threads, or have each worker answer at a port of its own, and
    scrape them all, which in ``gunicorn.conf.py`` is::

        from prometheus_client import start_http_server

        def post_worker_init(worker):
            for port in range(9101, 9101 + 2 * worker.cfg.workers):  # at a reload, there are old workers and new ones
                try:
                    return start_http_server(port, addr="127.0.0.1")
                except OSError:  # another worker's
                    continue

    Then sum what is a process's own: all counters, and what a Background
    holds. What is a directory's, each of its processes tells in full: ``queued_events``,
    ``oldest_age_seconds`` and ``directory_bytes`` of a Spool are one figure, of which to take the maximum.
    It is stored by all of them, and forwarded by one.

    :param middleware: a ``PixelMiddleware`` or a ``Collector``, whose requests are told.
    :param deliveries: each ``Spool`` or ``Background`` under the name that its label is to have.
    :raises TypeError: for an argument of another kind, or none at all.
    :raises ValueError: for a name that no label can show.
    """

    def __init__(self, middleware: PixelMiddleware | Collector | None = None, **deliveries: Delivery) -> None:
        if middleware is None and not deliveries:
            raise TypeError("there is nothing to tell of: give a middleware, a Spool or Background by name, or both")
        collector = middleware.collector if isinstance(middleware, PixelMiddleware) else middleware
        if collector is not None and not isinstance(collector, Collector):
            raise TypeError(f"middleware is {middleware!r}: give a PixelMiddleware or a Collector")
        for name, delivery in deliveries.items():
            if not isinstance(delivery, Delivery):
                raise TypeError(f"{name} is {delivery!r}: give a Spool or a Background")
            if not name or not name.isprintable():
                raise ValueError(f"{name!r} is the name of {delivery!r}: give one that can be read")
        self._collector = collector
        self._deliveries = deliveries
        self._failing: set[str] = set()  # of which that has been logged

    def describe(self) -> Iterator[_Family]:
        """The metrics without a figure, so that to register them asks nothing of a disk."""
        if self._collector is not None:
            yield _requests({})
        if self._deliveries:
            yield from _delivery({})

    def collect(self) -> Iterator[_Family]:
        """The metrics as they are now."""
        if self._collector is not None:
            yield _requests(self._collector.stats())
        if self._deliveries:
            # Asked once each, so that the figures of a wrapper are of one time.
            yield from _delivery({name: self._figures(name) for name in self._deliveries})

    def _figures(self, name: str) -> dict[str, float]:
        """All that is known of a wrapper."""
        delivery = self._deliveries[name]
        try:
            limits = {limit: getattr(delivery, limit) for limit in _LIMITS if hasattr(delivery, limit)}
            figures = {**delivery.stats(), **limits, "up": 1}
            known = {figure: float(figures[figure]) for figure in _FIGURES if figure in figures}
        except Exception:
            if name not in self._failing:  # pixelmw_delivery_up tells of it each time
                self._failing.add(name)
                logger.exception("there are no figures of %s for Prometheus", name)
            return {"up": 0}
        self._failing.discard(name)
        return known


def _requests(counts: Mapping[str, float]) -> _Family:
    help_ = "GET requests, and those of a wrong method, that this process has answered."
    family = CounterMetricFamily("pixelmw_requests", help_, labels=("outcome", "code"))
    for counted, labels in _OUTCOMES.items():
        family.add_metric(labels, counts.get(counted, 0))
    return family


def _delivery(figures: Mapping[str, Mapping[str, float]]) -> Iterator[_Family]:
    for figure, (kind, metric, help_) in _FIGURES.items():
        family = kind(f"pixelmw_delivery_{metric}", help_, labels=("name",))
        for name, known in figures.items():
            if figure in known:
                family.add_metric((name,), known[figure])
        yield family
