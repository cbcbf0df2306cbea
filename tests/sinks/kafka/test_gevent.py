"""A site under gevent while its broker is frozen: its pages are as quick as before, and a Spool goes on accepting."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.kafka_site import Site, loaded, wait_for_more
from tests.support.servers import send
from tests.support.tansu import tansu

WAYS = ("direct", "spooled")
# Seconds that a page may take longer: a fiftieth on a quiet machine; tests that run beside this one take their share.
# A wait that stood in the hub's way would last for two seconds, and longer.
LONGER = 0.5


def p99(port: int, enough: Callable[[], bool]) -> float:
    """Ask for the host's own page until it is enough, and at least a hundred times."""
    times: list[float] = []
    deadline = time.monotonic() + 60
    while len(times) < 100 or not enough():
        assert time.monotonic() < deadline
        start = time.monotonic()
        assert send(port, "GET", "/").status == 200
        times.append(time.monotonic() - start)
    return sorted(times)[len(times) * 99 // 100]


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--preload",)], ids=["as it is", "preloaded"])
def test_the_hosts_pages_do_not_wait_for_a_broker_that_is_frozen(tmp_path: Path, options: tuple[str, ...]) -> None:
    with tansu() as broker:
        site = Site(broker, "gevent", tmp_path, timeout=2000)
        with site.running("gunicorn-gevent", *options) as server, loaded(server.port, *WAYS) as loads:
            wait_for_more(loads)
            before = p99(server.port, lambda: True)
            with broker.frozen():
                p99(server.port, lambda: len(loads["direct"].refused) > 0)
                refused = len(loads["direct"].refused)
                meanwhile = p99(server.port, lambda: len(loads["direct"].refused) >= refused + 3)
                wait_for_more({"spooled": loads["spooled"]})
            wait_for_more(loads)
        assert meanwhile < before + LONGER
        site.assert_that_nothing_is_lost({"spooled": loads["spooled"]})
    assert "WORKER TIMEOUT" not in server.log.read_text()
