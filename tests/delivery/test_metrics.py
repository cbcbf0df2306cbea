"""The Prometheus collector: what a scrape tells, on real servers, too."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from prometheus_client import REGISTRY, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse
from werkzeug.wrappers import Request

from pixelmw import Discard, Event, Limits, PixelMiddleware
from pixelmw.access import SignedLink
from pixelmw.delivery import Background, BackgroundStats, Retry, Spool, SpoolStats
from pixelmw.delivery.metrics import Metrics
from pixelmw.errors import STATUS_OF_CODE
from pixelmw.links import Signer
from pixelmw.sinks.base import Undeliverable
from tests.support.pixel import Pixel, host_app
from tests.support.processes import event, wait_until
from tests.support.scrapes import Fickle, Key, delivery, documented, registered, scrape, served
from tests.support.servers import running, send, serving

PAGE = "/pixel/v1/page"
QUERY = "writeKey=k&anonymousId=a"


def test_each_way_a_request_can_end_is_counted() -> None:
    def opt_out(event: Event, request: Request) -> None:
        if event.get("name") == "secret":
            raise Discard

    sink = Fickle()
    signer = Signer(["a key for these tests only"])
    options: dict[str, Any] = {"signer": signer, "unsigned": "allow"}
    pixel = Pixel(sink=sink, enrich=[opt_out], write_keys={"k"}, limits=Limits(query_bytes=200), **options)
    registry = registered(pixel.middleware)
    pixel.get(PAGE, QUERY)
    pixel.get(PAGE, QUERY)
    pixel.get(PAGE, f"{QUERY}&name=secret")
    pixel.get(PAGE, f"{QUERY}&a=1&a.b=2")
    pixel.get(PAGE, "writeKey=k")
    pixel.get(PAGE, "writeKey=unknown&anonymousId=a")
    pixel.get(PAGE, "signed=1.of.nobody")
    pixel.get(PAGE, f"signed={signer.sign(SignedLink('page', QUERY, made=0, ends=1))}")
    pixel.get(PAGE, f"{QUERY}&text={'x' * 200}")
    pixel.request("POST", PAGE, QUERY)
    pixel.request("HEAD", PAGE, QUERY)
    pixel.get("/elsewhere", QUERY)
    sink.error = OSError("the disk is full")
    pixel.get(PAGE, QUERY)
    sink.error = Undeliverable("never")
    pixel.get(PAGE, QUERY)
    assert scrape(registry) == {
        ("requests_total", "", "accepted"): 2,
        ("requests_total", "", "discarded"): 1,
        ("requests_total", "bad-query", "refused"): 1,
        ("requests_total", "invalid", "refused"): 1,
        ("requests_total", "unauthorized", "refused"): 1,
        ("requests_total", "forged", "refused"): 1,
        ("requests_total", "expired", "refused"): 1,
        ("requests_total", "undeliverable", "refused"): 1,
        ("requests_total", "too-large", "refused"): 1,
        ("requests_total", "bad-method", "refused"): 1,
        ("requests_total", "unavailable", "unavailable"): 1,
    }


def test_all_series_are_there_from_the_first_scrape_on_as_zero(tmp_path: Path) -> None:
    told = scrape(registered(Pixel().middleware, spool=Spool(tmp_path / "spool", print), queue=Background(print)))
    counters = {key: value for key, value in told.items() if key[0].endswith("_total")}
    assert {key[1] for key in counters if key[0] == "requests_total"} == {*STATUS_OF_CODE, ""}
    assert set(counters.values()) == {0}
    for name, figures in (("spool", 7), ("queue", 5)):
        assert len([key for key in counters if key[1] == name]) == figures


def test_a_collector_without_a_middleware_will_do(pixel: Pixel) -> None:
    pixel.page("")
    assert scrape(registered(pixel.middleware.collector)) == scrape(registered(pixel.middleware))


def test_a_spool_whose_sink_is_down_and_up_again_is_told_of(tmp_path: Path) -> None:
    sink = Fickle(OSError("down"))
    with Spool(tmp_path / "spool", sink, retry=Retry(cap=0.1), max_bytes=10_000) as spool:
        registry = registered(spool=spool)
        for number in range(3):
            spool(event(f"id-{number}"))
        wait_until(lambda: delivery(registry)["retries_total"] > 0)
        told = delivery(registry)
        assert (told["stored_total"], told["forwarded_total"], told["queued_events"]) == (3, 0, 3)
        assert 0 < told["oldest_age_seconds"] < 60
        assert 0 < told["directory_bytes"] < told["directory_max_bytes"] == 10_000
        sink.error = None
        assert spool.flush(20)
        told = delivery(registry)
        assert (told["forwarded_total"], told["queued_events"], told["oldest_age_seconds"]) == (3, 0, 0)
        assert told["up"] == 1


def test_dead_letters_and_what_had_no_room_are_told(tmp_path: Path) -> None:
    with Spool(tmp_path / "spool", Fickle(Undeliverable("no")), max_bytes=5000, when_full="drop") as spool:
        registry = registered(spool=spool)
        spool(event("dead"))
        wait_until(lambda: delivery(registry)["dead_total"] == 1)
        told = delivery(registry)
        assert (told["dead_letters"], told["lost_total"]) == (1, 0)
        assert 0 < told["dead_bytes"] < told["dead_max_bytes"] == 500
        spool(event("large", size=10_000))
        assert delivery(registry)["dropped_total"] == 1


def test_damage_is_told(tmp_path: Path) -> None:
    with Spool(tmp_path / "spool", Fickle(OSError("down"))) as spool:
        spool(event("lost"))
    (segment,) = (tmp_path / "spool").glob("*.segment")
    segment.chmod(0o600)
    segment.write_bytes(segment.read_bytes().replace(b"lost", b"last"))
    with Spool(tmp_path / "spool", print) as spool:
        registry = registered(spool=spool)
        wait_until(lambda: delivery(registry)["damaged_total"] == 1)
        assert spool.flush(20)


def test_a_background_has_a_limit_of_events_and_no_directory() -> None:
    sink = Fickle(OSError("down"))
    with Background(sink, max_queue=7, retry=Retry(cap=0.1)) as background:
        registry = registered(queue=background)
        background(event("id"))
        told = delivery(registry, "queue")
        assert (told["queued_events"], told["queued_max_events"]) == (1, 7)
        assert not {name for name in told if "directory" in name or "damaged" in name}
        sink.error = None


def test_each_figure_of_a_delivery_is_told_as_a_metric(tmp_path: Path) -> None:
    spool, queue = Spool(tmp_path / "spool", print), Background(print)
    assert spool.stats().keys() == SpoolStats.__required_keys__
    assert queue.stats().keys() == BackgroundStats.__required_keys__
    registry = registered(spool=spool, queue=queue)
    assert len(delivery(registry)) == len({"up", "max_bytes", "max_dead_bytes"}) + len(spool.stats())
    assert len(delivery(registry, "queue")) == len({"up", "max_queue", "max_bytes"}) + len(queue.stats())


def test_the_names_follow_the_conventions(tmp_path: Path) -> None:
    registry = registered(Pixel().middleware, spool=Spool(tmp_path / "spool", print), queue=Background(print))
    families = list(parse(generate_latest(registry).decode()))
    assert len(families) == 21
    for family in families:
        assert family.documentation.endswith(".")
        assert re.fullmatch(r"pixelmw(_[a-z]+)+", family.name)
        assert not re.search(r"_(counter|gauge|count|ms|milliseconds|minutes|kb|mb|percent|ratio)$", family.name)
        for sample in family.samples:
            assert sample.name.endswith("_total") == (family.type == "counter")
            assert family.type in ("counter", "gauge")
            assert sample.labels.keys() <= {"outcome", "code", "name"}
    assert {family.name.split("_")[-1] for family in families if "age_" in family.name} == {"seconds"}
    assert {family.name.split("_")[-1] for family in families if "directory_" in family.name} == {"bytes"}


def test_open_metrics_are_told_too(tmp_path: Path) -> None:
    registry = registered(Pixel().middleware, spool=Spool(tmp_path / "spool", print))
    exposition = openmetrics.generate_latest(registry).decode()  # type: ignore[no-untyped-call]
    strict = list(parse_openmetrics(exposition))  # type: ignore[no-untyped-call]
    assert {family.name for family in strict} == {
        family.name.removesuffix("_total") for family in parse(generate_latest(registry).decode())
    }


def test_what_one_shall_be_alerted_by_exists(tmp_path: Path) -> None:
    told = scrape(registered(Pixel().middleware, spool=Spool(tmp_path / "spool", print), queue=Background(print)))
    named = set(re.findall(r"pixelmw_(\w+)", documented("Expressions to be alerted by")))
    assert len(named) == 15
    assert named <= {name for name, *_ in told}


def test_the_documented_application_is_scraped_beside_its_pixels(tmp_path: Path) -> None:
    sink = Fickle()
    names: dict[str, Any] = {
        "app": host_app,
        "PixelMiddleware": PixelMiddleware,
        "Metrics": Metrics,
        "Kafka": lambda topic, bootstrap_servers: sink,
        "Spool": lambda path, sink: Spool(tmp_path / "spool", sink),
    }
    try:
        exec(
            documented("requests and of delivery.\n\n").replace("REGISTRY.register(", "REGISTRY.register(metrics := "),
            names,
        )
        with names["spool"], serving(names["application"]) as port:
            assert send(port, "GET", f"{PAGE}?{QUERY}").status == 200
            assert b"the host application" in send(port, "GET", "/").body
            assert send(port, "GET", f"{PAGE}?writeKey=k").status == 400
            assert names["spool"].flush(20)
            told = served(port)
            assert told["requests_total", "", "accepted"] == told["requests_total", "invalid", "refused"] == 1
            assert told["delivery_stored_total", "spool"] == told["delivery_forwarded_total", "spool"] == 1
            part = served(port, "/metrics?name[]=pixelmw_requests_total")
            assert {name for name, *_ in part} == {"requests_total"}
    finally:
        REGISTRY.unregister(names["metrics"])


_WORKERS = """
from prometheus_client import REGISTRY
from pixelmw import PixelMiddleware
from pixelmw.delivery.metrics import Metrics

def host(environ, start_response):
    start_response("200 OK", [("Content-Length", "0")])
    return []

application = PixelMiddleware(host, lambda event: None)
REGISTRY.register(Metrics(application))
"""


def scrapes(ports: Iterable[int]) -> list[dict[Key, float]]:
    """What is told at each port where somebody answers."""
    found = []
    for port in ports:
        with suppress(ConnectionRefusedError):
            found.append(served(port))
    return found


def test_each_worker_is_scraped_at_a_port_of_its_own(tmp_path: Path, free_port: int) -> None:
    (tmp_path / "workers.py").write_text(_WORKERS)
    hook = documented("which in ``gunicorn.conf.py`` is").replace("9101", str(free_port))
    (tmp_path / "hook.conf.py").write_text(f"control_socket_disable = True\n{hook}")
    options = ("--workers=2", f"--config={tmp_path / 'hook.conf.py'}")
    with running("gunicorn-sync", "workers:application", tmp_path, *options) as port:
        for _ in range(20):
            assert send(port, "GET", f"{PAGE}?{QUERY}").status == 200
        ports = range(free_port, free_port + 4)
        wait_until(lambda: len(scrapes(ports)) == 2)
        assert sum(told["requests_total", "", "accepted"] for told in scrapes(ports)) == 20
