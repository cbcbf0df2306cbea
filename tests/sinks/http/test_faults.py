"""The HTTP sink and a data plane that hangs, answers byte by byte, closes connections or echoes the write key."""

from __future__ import annotations

import json
import logging
import time
import traceback
from base64 import b64encode
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from pixelmw.sinks.base import Unavailable, Undeliverable
from pixelmw.sinks.http import HTTP
from tests.support import http_server
from tests.support.http_server import KEY, Answer, DataPlane, data_plane, works_again
from tests.support.processes import event, wait_until

TIMEOUT = 0.3  # seconds


server = http_server.server


@pytest.fixture
def sink(server: DataPlane) -> Any:
    with HTTP(server.url, KEY, timeout=TIMEOUT) as open_sink:
        yield open_sink


@pytest.mark.parametrize("manner", ["hang", "drip-head", "continue"])
def test_a_server_that_never_finishes_its_answer_is_unavailable_in_time(
    server: DataPlane, sink: HTTP, manner: str
) -> None:
    server.script.append(Answer(manner=manner))
    start = time.monotonic()
    with pytest.raises(Unavailable, match="did not answer"):
        sink(event("1"))
    assert TIMEOUT * 0.9 < time.monotonic() - start < TIMEOUT + 2
    assert works_again(server, sink)


@pytest.mark.parametrize("manner", ["drip", "stall", "cut"])
def test_a_body_that_does_not_end_changes_no_verdict_and_is_not_waited_for(
    server: DataPlane, sink: HTTP, manner: str
) -> None:
    start = time.monotonic()
    server.script += [Answer(manner=manner), Answer(500, manner=manner), Answer(400, manner=manner)]
    sink(event("1"))
    for error in (Unavailable, Undeliverable):
        with pytest.raises(error):
            sink(event("2"))
    assert time.monotonic() - start < 3 * TIMEOUT + 2
    assert server.ids() == ["1"]
    assert works_again(server, sink)


def test_a_connection_that_is_reset_is_unavailable(server: DataPlane, sink: HTTP) -> None:
    server.script.append(Answer(manner="reset"))
    with pytest.raises(Unavailable, match="did not answer"):
        sink(event("1"))
    assert works_again(server, sink)


def test_a_closed_port_and_an_unknown_host_are_unavailable(free_port: int) -> None:
    for url in (f"http://127.0.0.1:{free_port}", "http://host.invalid", f"http://{'a' * 64}.example"):
        with pytest.raises(Unavailable, match="did not answer") as caught:
            HTTP(url, KEY, timeout=TIMEOUT)(event("1"))
        assert "retries" not in str(caught.value)


def test_a_connection_that_the_server_closed_meanwhile_is_replaced(server: DataPlane, sink: HTTP) -> None:
    server.script.append(Answer(manner="close"))
    sink(event("1"))
    wait_until(lambda: not server.connected)
    sink(event("2"))
    server.hang_up()
    wait_until(lambda: not server.connected)
    sink(event("3"))
    assert server.ids() == ["1", "2", "3"]
    assert server.connections == 3


def test_a_server_that_closes_connections_all_the_time_has_stored_every_acknowledged_event(
    server: DataPlane, sink: HTTP
) -> None:
    server.script += [Answer(manner=manner) for manner in ("close", "reset", "whole", "reset", "close") * 40]
    acked = []
    for number in range(200):
        try:
            sink(event(str(number)))
            acked.append(str(number))
        except Unavailable:
            continue
    assert len(acked) >= 80
    assert set(acked) <= set(server.ids())


class _EchoesKey(BaseHTTPRequestHandler):
    def handle(self) -> None:
        self.rfile.readline()
        self.wfile.write(f"your key is {KEY}\r\n".encode())


def test_a_server_that_speaks_no_http_is_unavailable(server: DataPlane, sink: HTTP) -> None:
    server.RequestHandlerClass = _EchoesKey
    with pytest.raises(Unavailable, match=r"your key is \*\*\*") as caught:
        sink(event("1"))
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("key", [KEY, 'k"e\\y /ü%&'])
def test_the_write_key_is_in_no_message_and_no_log(key: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    said = []
    authorization = f"Basic {b64encode(f'{key}:'.encode()).decode()}"
    with data_plane() as server, HTTP(server.url, key, timeout=TIMEOUT) as sink:
        server.authorization = authorization
        echo = json.dumps([key, authorization], ensure_ascii=False) + key + quote(key) + quote_plus(key)
        for answer in (Answer(400, body=echo.encode()), Answer(403, body=authorization.encode()), Answer(503)):
            server.script.append(answer)
            with pytest.raises((Undeliverable, Unavailable)) as caught:
                sink(event("1"))
            said.append("".join(traceback.format_exception(caught.value)))
        said += [repr(sink), str(sink), caplog.text, str(server.requests[0].payload)]
    everything = "\n".join(said)
    assert "answered 400: " in everything
    for secret in (key, json.dumps(key)[1:-1], quote(key), authorization.removeprefix("Basic ")):
        assert secret not in everything


def test_https_has_the_same_deadline(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with data_plane(certificate=certificate) as server, HTTP(server.url, KEY, timeout=TIMEOUT) as sink:
        assert server.url.startswith("https://")
        sink(event("1"))
        start = time.monotonic()
        for manner in ("drip-head", "hang"):
            server.script.append(Answer(manner=manner))
            with pytest.raises(Unavailable):
                sink(event("2"))
        assert time.monotonic() - start < 2 * TIMEOUT + 2
        assert works_again(server, sink)


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(certificate: Path) -> None:
    with data_plane(certificate=certificate) as server, HTTP(server.url, KEY, timeout=TIMEOUT) as sink:
        with pytest.raises(Unavailable, match="CERTIFICATE_VERIFY_FAILED"):
            sink(event("1"))
        assert not server.requests
