"""Spool and Background under real servers that are stopped under load: what was answered 200 is not lost."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.support.delivery_sites import ENOUGH, Site
from tests.support.loads import Load
from tests.support.processes import wait_until

pytestmark = pytest.mark.slow

GUNICORNS = ("sync", "gthread", "gevent", "preload", "max-requests")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.mark.parametrize(
    "server", [*(f"gunicorn-{kind}" for kind in GUNICORNS), "waitress", "uwsgi-threads", "uwsgi-master"]
)
def test_a_spool_loses_nothing_when_its_server_is_told_to_end_under_load(site: Site, server: str) -> None:
    with site.under(server, "spool") as running, Load(running.port, clients=4) as load:
        site.wait_for_a_backlog(load)
        running.stop(signal.SIGTERM)
    accepted = set(load.acknowledged)
    assert len(accepted) >= ENOUGH
    assert accepted - {*site.arrived(), *site.drained()} == set()
    if server == "gunicorn-max-requests":
        assert "Autorestarting worker" in running.log.read_text()


@pytest.mark.parametrize(
    ("server", "stop"),
    [
        *((f"gunicorn-{kind}", signal.SIGTERM) for kind in GUNICORNS),
        # It has no handler for SIGTERM, which ends it as kill -9 would.
        ("waitress", signal.SIGINT),
        ("uwsgi-graceful", signal.SIGTERM),
    ],
)
def test_a_background_forwards_what_it_has_queued_when_its_server_ends_gracefully_under_load(
    site: Site, server: str, stop: int
) -> None:
    with site.under(server, "background") as running, Load(running.port, clients=4) as load:
        site.wait_for_a_backlog(load)
        running.stop(stop)
    accepted = set(load.acknowledged)
    assert len(accepted) >= ENOUGH
    assert accepted - set(site.arrived()) == set()
    if server == "gunicorn-max-requests":
        assert "Autorestarting worker" in running.log.read_text()


@pytest.mark.parametrize(
    ("server", "stop"),
    [("uwsgi-threads", signal.SIGTERM), ("uwsgi-threads", signal.SIGINT), ("uwsgi-master", signal.SIGTERM)],
)
def test_a_background_forwards_what_it_has_queued_when_an_idle_uwsgi_ends(site: Site, server: str, stop: int) -> None:
    """A worker that is in the middle of a request is ended there, and runs none of Python's atexit functions."""
    with site.under(server, "background", PIXELMW_TEST_PAUSE="0.2") as running:
        with Load(running.port, clients=4) as load:
            site.wait_for_a_backlog(load, enough=200, least=200)
        before = len(site.arrived())
        wait_until(lambda: len(site.arrived()) > before)  # by now it has noticed that the last request is over
        assert len(site.arrived()) < len(load.acknowledged)
        running.stop(stop)
    assert set(load.acknowledged) - set(site.arrived()) == set()
