"""A data plane whose name has several addresses, of which some swallow what is sent to them."""

from __future__ import annotations

import sys
import time

import pytest

from pixelmw.sinks.base import Unavailable
from pixelmw.sinks.http import HTTP
from tests.support import http_server
from tests.support.addresses import give_addresses, swallowing
from tests.support.http_server import KEY, DataPlane
from tests.support.processes import event

server = http_server.server
HOST = "data-plane.example"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems have one address on loopback")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_all_addresses_have_one_deadline(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    with swallowing(6) as addresses:
        give_addresses(monkeypatch, HOST, addresses)
        sink = HTTP(f"{scheme}://{HOST}", KEY, timeout=0.6)
        start = time.monotonic()
        with pytest.raises(Unavailable, match=r"no connection to data-plane.example within 0\.6 seconds"):
            sink(event("1"))
        assert 0.5 < time.monotonic() - start < 3.0  # and not six times 0.6


def test_an_address_that_swallows_leaves_time_for_the_others(
    server: DataPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    with swallowing(2) as addresses:
        give_addresses(monkeypatch, HOST, [*addresses, ("127.0.0.1", server.server_port)])
        with HTTP(f"http://{HOST}", KEY, timeout=0.9) as sink:
            sink(event("1"))
            sink(event("2"))  # on the connection that is kept
    assert server.ids() == ["1", "2"]
    assert server.connections == 1


def test_an_address_that_refuses_is_followed_by_the_next(
    server: DataPlane, monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    give_addresses(monkeypatch, HOST, [("127.0.0.1", free_port), ("127.0.0.1", server.server_port)])
    with HTTP(f"http://{HOST}", KEY) as sink:
        sink(event("1"))
    assert server.ids() == ["1"]


def test_a_name_without_addresses_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    give_addresses(monkeypatch, HOST, [])
    with pytest.raises(Unavailable, match="no address"):
        HTTP(f"http://{HOST}", KEY)(event("1"))
