"""A name with several addresses that all swallow what is sent to them takes no longer than one."""

from __future__ import annotations

import sys
import time

import pytest

from pixelmw.sinks import BatchSink, Unavailable
from pixelmw.sinks.redis import RedisStream
from pixelmw.sinks.sql import SQL
from tests.support.addresses import give_addresses, swallowing
from tests.support.processes import event

HOST = "several.example"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have one address on loopback")
@pytest.mark.parametrize(
    "sink",
    [
        RedisStream(f"redis://{HOST}", "events", timeout=0.6),
        SQL(f"mariadb+pymysql://user@{HOST}/x", timeout=0.6),
    ],
    ids=["Redis", "PyMySQL"],
)
def test_all_addresses_have_one_time_to_connect(monkeypatch: pytest.MonkeyPatch, sink: BatchSink) -> None:
    with swallowing(6) as addresses:
        give_addresses(monkeypatch, HOST, addresses)
        start = time.monotonic()
        with pytest.raises(Unavailable):
            sink(event("1"))
        assert 0.5 < time.monotonic() - start < 3.0  # and not six times 0.6
