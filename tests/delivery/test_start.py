"""A Spool forwards what a dead process left from the first request of any path; construction starts no thread."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from werkzeug.test import Client

from pixelmw import Event, PixelMiddleware
from pixelmw.delivery import Background, Spool
from pixelmw.sinks import fan_out
from tests.support.pixel import Pixel
from tests.support.processes import wait_until
from tests.support.spools import fill


def test_what_a_dead_process_left_is_forwarded_from_the_first_request_of_any_path(tmp_path: Path) -> None:
    fill(tmp_path / "spool", ["left-1", "left-2"])
    arrived: list[Event] = []
    with_spool = Spool(tmp_path / "spool", arrived.append)
    pixel = Pixel(sink=with_spool)
    assert arrived == []
    assert pixel.get("/anything/else").status_code == 200
    wait_until(lambda: len(arrived) == 2)
    with_spool.close()
    assert [event["messageId"] for event in arrived] == ["left-1", "left-2"]


def test_a_spool_behind_other_wrappers_is_started_too(tmp_path: Path) -> None:
    fill(tmp_path / "inner", ["left"])
    arrived: list[Event] = []
    inner = Spool(tmp_path / "inner", arrived.append)
    outer = Spool(tmp_path / "outer", Background(fan_out(inner, print)))
    outer.start()
    wait_until(lambda: len(arrived) == 1)
    outer.close()


def test_construction_and_looks_at_figures_start_no_thread(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    spool, queue = Spool(tmp_path / "spool", print), Background(print)
    pixels = [Pixel(sink=sink) for sink in (spool, queue, fan_out(spool, queue))]
    assert (spool.stats()["queued"], queue.stats()["queued"]) == (0, 0)
    assert len(pixels) == 3
    assert set(threading.enumerate()) <= before


def test_a_spool_whose_directory_is_not_there_yet_disturbs_nobody_and_begins_with_its_first_event(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    arrived: list[Event] = []
    spool = Spool(tmp_path / "volume" / "spool", arrived.append)
    client = Client(PixelMiddleware(Pixel().middleware.app, spool))
    assert client.get("/").status_code == 200
    assert f"{spool!r} could not be started" in caplog.text
    (tmp_path / "volume").mkdir()
    assert client.get("/pixel/v1/track?writeKey=k&anonymousId=a&event=e").status_code == 200
    assert spool.flush(20)
    spool.close()
    assert len(arrived) == 1
