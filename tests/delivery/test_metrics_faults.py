"""The Prometheus collector, where wrappers fail, arguments are wrong, and a library is missing."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pixelmw import PixelMiddleware
from pixelmw.delivery import Background, Spool
from pixelmw.delivery.metrics import Metrics
from tests.support.pixel import Pixel, host_app
from tests.support.scrapes import delivery, registered, scrape


class Told(Background):
    """A wrapper whose figures are what the test says."""

    figures: object = None

    def stats(self) -> Any:
        if isinstance(self.figures, Exception):
            raise self.figures
        return self.figures


def test_to_register_asks_for_no_figures(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "missing" / "spool", print)
    registry = registered(Pixel().middleware, spool=spool, told=Told(print))
    assert not list(tmp_path.iterdir())
    families = {family.name: family for family in registry.collect()}
    described = {family.name: family for family in Metrics(Pixel().middleware, spool=spool).describe()}
    assert families.keys() == described.keys()
    assert not any(family.samples for name, family in described.items() if "delivery" in name)


def test_a_disk_that_is_gone_takes_only_its_own_figures_along(
    tmp_path: Path, pixel: Pixel, caplog: pytest.LogCaptureFixture
) -> None:
    pixel.page("")
    spool = Spool(tmp_path / "volume" / "spool", print)
    registry = registered(pixel.middleware, spool=spool, queue=Background(print))
    for _ in range(2):
        assert delivery(registry) == {"up": 0}
        assert delivery(registry, "queue")["up"] == 1
        assert scrape(registry)["requests_total", "", "accepted"] == 1
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("pixelmw.delivery", logging.ERROR)
    assert "spool" in record.getMessage()
    assert record.exc_info is not None
    assert record.exc_info[0] is FileNotFoundError
    (tmp_path / "volume").mkdir()
    assert delivery(registry)["up"] == 1
    assert len(delivery(registry)) > 10


def test_a_fault_that_comes_back_is_logged_again(caplog: pytest.LogCaptureFixture) -> None:
    told = Told(print)
    registry = registered(told=told)
    for told.figures in (OSError("gone"), {"queued": 1}, OSError("gone"), OSError("gone")):
        delivery(registry, "told")
    assert len(caplog.records) == 2


@pytest.mark.parametrize("figures", [None, {"queued": "many"}, {"queued": None}, ["queued"], KeyError("queued")])
def test_figures_that_are_none_are_a_fault_of_that_wrapper_alone(figures: object) -> None:
    told = Told(print)
    told.figures = figures
    registry = registered(told=told, queue=Background(print))
    assert delivery(registry, "told") == {"up": 0}
    assert delivery(registry, "queue")["up"] == 1


def test_figures_that_nobody_knows_are_left_out() -> None:
    told = Told(print)
    told.figures = {"queued": 3, "mood": "good"}
    limits = {"queued_max_events": 10_000, "queued_max_bytes": 64 * 2**20}
    assert delivery(registered(told=told), "told") == {"up": 1, "queued_events": 3, **limits}


@pytest.mark.parametrize("name", ['a "quoted" one', "back\\slash", "EU-west", "büro", "self-made", "name"])
def test_any_name_that_can_be_read_is_a_label(name: str) -> None:
    assert delivery(registered(**{name: Background(print)}), name)["up"] == 1


@pytest.mark.parametrize("name", ["", "two\nlines", "half \ud800"])
def test_a_name_that_cannot_be_read_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="give one that can be read"):
        Metrics(**{name: Background(print)})


@pytest.mark.parametrize(
    ("args", "deliveries", "words"),
    [
        ([], {}, "nothing to measure"),
        ([host_app], {}, "middleware is <function host_app"),
        ([], {"middleware": Background(print)}, "middleware is Background"),
        ([], {"sink": print}, "sink is <built-in function print>: give a Spool or a Background"),
        ([], {"pixels": PixelMiddleware(host_app, print)}, "pixels is <pixelmw.middleware.PixelMiddleware"),
        ([], {"spool": None}, "spool is None"),
        ([], {"spool": Spool}, "spool is <class 'pixelmw.delivery.spool.Spool'>"),
    ],
)
def test_a_wrong_argument_is_named(args: list[Any], deliveries: dict[str, Any], words: str) -> None:
    with pytest.raises(TypeError, match=words):
        Metrics(*args, **deliveries)


class Counted:
    """Anything else that has figures."""

    def __init__(self, **figures: float) -> None:
        self.figures = figures

    def stats(self) -> Any:
        return self.figures


def test_anything_with_figures_is_told_of() -> None:
    registry = registered(Counted(accepted=3), own=Counted(queued=2))
    assert scrape(registry)["requests_total", "", "accepted"] == 3
    assert delivery(registry, "own") == {"up": 1, "queued_events": 2}


def test_a_registry_takes_each_metric_once_and_both_parts_apart(pixel: Pixel) -> None:
    registry = registered(pixel.middleware)
    registry.register(Metrics(queue=Background(print)))
    assert delivery(registry, "queue")["up"] == 1
    with pytest.raises(ValueError, match="pixelmw_delivery"):
        registry.register(Metrics(other=Background(print)))


def test_without_the_library_the_import_says_what_to_install() -> None:
    blocked = "import sys; sys.modules['prometheus_client'] = None; import pixelmw.delivery; "
    command = [sys.executable, "-c", f"{blocked} print('fine so far'); import pixelmw.delivery.metrics"]
    run = subprocess.run(command, text=True, capture_output=True)
    assert run.stdout == "fine so far\n"
    assert run.stderr.endswith(
        "ImportError: pixelmw.delivery.metrics needs prometheus-client: pip install pixelmw[metrics]\n"
    )
