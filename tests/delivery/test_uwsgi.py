"""Spool and Background under a uWSGI that runs background threads, and under one that does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from pixelmw.system.threads import UWSGI_THREADS_REMEDY
from tests.support.delivery_sites import Site
from tests.support.processes import wait_until
from tests.support.servers import send

# As uWSGI before 2.0.27 where it is not told --enable-threads.
WITHOUT_THREADS = {"PIXELMW_TEST_HAS_THREADS": "0"}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def accept(port: int, ids: list[str]) -> None:
    for each in ids:
        answer = send(port, "GET", f"/pixel/v1/track?writeKey=k&anonymousId=a&event=e&messageId={each}")
        assert answer.status == 200


@pytest.mark.parametrize(
    ("server", "wrapper"), [("uwsgi", "background"), ("uwsgi-threads", "spool"), ("uwsgi-master", "background")]
)
def test_where_uwsgi_runs_threads_it_is_known_and_events_are_forwarded_between_requests(
    site: Site, server: str, wrapper: str
) -> None:
    with site.under(server, wrapper) as running:
        assert send(running.port, "GET", "/").body == b"threads run: True"
        accept(running.port, ["1", "2", "3"])
        wait_until(lambda: sorted(site.arrived()) == ["1", "2", "3"])
    assert UWSGI_THREADS_REMEDY not in running.log.read_text()


def test_where_uwsgi_runs_no_threads_background_refuses_to_start_and_says_what_to_set(site: Site) -> None:
    with pytest.raises((AssertionError, OSError)), site.under("uwsgi", "background", **WITHOUT_THREADS):
        pass
    log = (site.directory / "uwsgi-application.log").read_text()
    assert f"RuntimeError: {UWSGI_THREADS_REMEDY}, or use Spool" in log
    assert "--enable-threads" in UWSGI_THREADS_REMEDY
    assert "no app loaded" in log


def test_where_uwsgi_runs_no_threads_spool_accepts_warns_once_and_does_not_forward(site: Site) -> None:
    with site.under("uwsgi", "spool", **WITHOUT_THREADS) as running:
        assert send(running.port, "GET", "/").body == b"threads run: False"
        accept(running.port, ["1", "2", "3"])
    log = running.log.read_text()
    assert log.count(UWSGI_THREADS_REMEDY) == 1
    assert f"python -m pixelmw drain --follow {site.spool}" in log
    assert site.arrived() == []
    assert site.drained() == ["1", "2", "3"]
