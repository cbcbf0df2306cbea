"""Connections that the HTTP sink keeps: not for so long that a gateway has forgotten them, or a name has moved."""

from __future__ import annotations

from pathlib import Path

import pytest

from pixelmw.sinks.base import Unavailable
from pixelmw.sinks.http import HTTP, connection
from tests.support import http_server
from tests.support.gateways import Forgetful
from tests.support.http_proxy import http_proxy
from tests.support.http_server import KEY, DataPlane, data_plane
from tests.support.processes import event

server, sink = http_server.server, http_server.sink


def test_a_connection_is_kept_for_the_next_request(server: DataPlane, sink: HTTP) -> None:
    for number in range(5):
        sink(event(str(number)))
    assert server.connections == 1


@pytest.mark.parametrize("limit", ["MAX_IDLE", "MAX_AGE"])
def test_a_connection_that_is_too_old_is_not_used_again(
    server: DataPlane, sink: HTTP, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(connection, limit, 0.0)
    for number in range(5):
        sink(event(str(number)))
    assert server.connections == 5
    monkeypatch.undo()
    sink(event("last"))
    assert server.connections == 5


def test_no_event_is_lost_on_a_connection_that_a_gateway_has_forgotten(
    server: DataPlane, sink: HTTP, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says so by a reset, once the next request comes: https://github.com/urllib3/urllib3/issues/3184."""
    server.gateway = Forgetful()
    sink(event("1"))
    with pytest.raises(Unavailable, match="did not answer"):
        sink(event("2"))
    monkeypatch.setattr(connection, "MAX_IDLE", 0.0)
    for number in range(3, 6):
        sink(event(str(number)))
    assert server.ids() == ["1", "3", "4", "5"]


def test_tls_through_a_tunnel_is_made_anew_as_well(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setattr(connection, "MAX_IDLE", 0.0)
    with http_proxy() as proxy, data_plane(certificate) as server, HTTP(server.url, KEY, proxy=proxy.url) as sink:
        for number in range(3):
            sink(event(str(number)))
    assert server.ids() == ["0", "1", "2"]
    assert server.connections == 3
