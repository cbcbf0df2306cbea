"""Under gunicorn's gevent workers, the host's pages are answered while the file of a sink is locked."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import pytest

from pixelmw.sinks import SQLite
from tests.support import faults
from tests.support.processes import stored, wait_until
from tests.support.servers import TIMEOUT, Server, parse, request, send, started

APP = "tests.support.locked_app:application"
PIXEL = "/pixel/v1/track?writeKey=k&anonymousId=a&event=e&messageId="
VISITORS = 6

Fault = Callable[[Path, str], AbstractContextManager[faults.Fault]]

SINKS: dict[str, tuple[str, Fault]] = {
    "sqlite": ("events.db", faults.locked),
    "jsonlines": ("events.jsonl", faults.locked),
}


@contextmanager
def site(directory: Path, sink: str, *options: str) -> Iterator[Server]:
    """Run one worker, and take its first pixel."""
    environ = {"PIXELMW_TEST_DIRECTORY": str(directory), "PIXELMW_TEST_SINK": sink}
    with started("gunicorn-gevent", APP, directory, "--workers=1", *options, **environ) as server:
        assert send(server.port, "GET", f"{PIXEL}first").status == 200
        yield server


def ask(stack: ExitStack, port: int, message_id: str) -> socket.socket:
    """Ask for a pixel, and do not wait for the answer."""
    client = stack.enter_context(socket.create_connection(("127.0.0.1", port), TIMEOUT))
    client.sendall(request("GET", PIXEL + message_id))
    return client


def answer(client: socket.socket) -> int:
    data = b""
    while chunk := client.recv(65536):
        data += chunk
    return parse(data).status


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--preload",)], ids=["loaded in the worker", "preloaded"])
@pytest.mark.parametrize("sink", SINKS)
def test_a_page_is_answered_while_visitors_wait_for_a_locked_file(
    tmp_path: Path, sink: str, options: tuple[str, ...]
) -> None:
    name, fault = SINKS[sink]
    ids = [str(number) for number in range(VISITORS)]
    with fault(tmp_path, name) as (path, lasting), site(tmp_path, sink, *options) as server, ExitStack() as stack:
        with lasting():
            visitors = [ask(stack, server.port, message_id) for message_id in ids]
            for _ in range(20):
                page = send(server.port, "GET", "/")
                assert (page.status, page.body) == (200, b"page")
            for visitor in visitors:  # they were asked first, and none has been answered
                visitor.setblocking(False)
                with pytest.raises(BlockingIOError):
                    visitor.recv(1)
                visitor.settimeout(TIMEOUT)
        assert [answer(visitor) for visitor in visitors] == [200] * VISITORS
        assert "WORKER TIMEOUT" not in server.log.read_text()
    assert sorted(stored(path)) == sorted([*ids, "first"])


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--preload",)], ids=["loaded in the worker", "preloaded"])
@pytest.mark.parametrize("sink", ["spool", "background"])
def test_pages_and_pixels_are_answered_while_what_forwards_them_waits_for_a_locked_database(
    tmp_path: Path, sink: str, options: tuple[str, ...]
) -> None:
    ids = [str(number) for number in range(VISITORS)]
    with faults.locked(tmp_path, "events.db") as (path, lasting), SQLite(path):
        pass
    with site(tmp_path, sink, *options) as server:
        wait_until(lambda: stored(path) == ["first"])
        with lasting():
            for message_id in ids:
                assert send(server.port, "GET", PIXEL + message_id).status == 200
                assert send(server.port, "GET", "/").body == b"page"
        wait_until(lambda: len(stored(path)) == VISITORS + 1)


@pytest.mark.slow
@pytest.mark.parametrize("sink", ["sqlite", "jsonlines", "spool", "background"])
def test_the_first_visitors_of_a_preloaded_worker_may_come_together(tmp_path: Path, sink: str) -> None:
    """What each process makes for itself is made then, and waits for the disk meanwhile."""
    environ = {"PIXELMW_TEST_DIRECTORY": str(tmp_path), "PIXELMW_TEST_SINK": sink}
    options = ("--workers=1", "--preload")
    with started("gunicorn-gevent", APP, tmp_path, *options, **environ) as server, ExitStack() as stack:
        visitors = [ask(stack, server.port, str(number)) for number in range(VISITORS)]
        assert [answer(visitor) for visitor in visitors] == [200] * VISITORS
