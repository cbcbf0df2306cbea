"""Under real servers, clients that go away while the sink stores lose nothing, and are counted."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.asgi_hosts import track
from tests.support.servers import running, send

CLIENTS = 8  # as many as there are threads
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: a close sends RST


def until(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def lines(file: Path) -> list[str]:
    return sorted(file.read_text(encoding="utf-8").split()) if file.exists() else []


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["batch", "plain", "async"])
@pytest.mark.parametrize("server", ["asgi-uvicorn", "asgi-hypercorn", "asgi-granian"])
def test_clients_that_go_away_while_the_sink_stores_lose_nothing(server: str, kind: str, tmp_path: Path) -> None:
    application = "tests.support.asgi_leaving_app:application"
    options = {"PIXELMW_TEST_FOLDER": str(tmp_path), "PIXELMW_TEST_KIND": kind}
    with running(server, application, tmp_path, **options) as port:

        def counts() -> dict[str, int]:
            answer: dict[str, int] = json.loads(send(port, "GET", "/counts").body)
            return answer

        clients = [socket.create_connection(("127.0.0.1", port), 20) for _ in range(CLIENTS)]
        for number, client in enumerate(clients):
            client.sendall(f"GET {track(str(number))} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        until(lambda: counts()["waiting"] == CLIENTS)
        until(lambda: lines(tmp_path / "begun"))
        for number, client in enumerate(clients):
            if number % 2:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            client.close()
        assert counts() == {"waiting": CLIENTS}
        (tmp_path / "go_on").touch()
        until(lambda: counts() == {"waiting": 0, "accepted": CLIENTS})
        assert lines(tmp_path / "stored") == [str(number) for number in range(CLIENTS)]
