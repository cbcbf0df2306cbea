"""``serve`` and ``drain`` beside terminals that lack characters, and pipes that nobody reads any more."""

from __future__ import annotations

import re
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from pixelmw.cli.welcome import welcome_app
from pixelmw.delivery import Spool
from tests.support.pixel import WholeClient

TRACK = "/pixel/v1/track?writeKey=k&anonymousId=zo%C3%AB&event="


@contextmanager
def serving(directory: Path, **environ: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Run the command on a free port; gives its process and its address."""
    command = [sys.executable, "-m", "pixelmw", "serve", "--port", "0"]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env={"PYTHONPATH": ":".join(sys.path), "LC_ALL": "C", **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    finally:
        signal.signal(signal.SIGINT, before)
    try:
        assert process.stdout is not None
        found = re.search(rb"http://\S+:\d+", process.stdout.readline())
        assert found is not None
        yield process, found[0].decode()
    finally:
        process.kill()
        process.communicate(timeout=10)


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def stored(directory: Path) -> list[str]:
    with closing(sqlite3.connect(directory / "pixelmw.db")) as connection:
        return [event for (event,) in connection.execute("SELECT event FROM events ORDER BY rowid")]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_a_terminal_that_lacks_a_character_is_shown_its_number(tmp_path: Path, encoding: str) -> None:
    with serving(tmp_path, PYTHONIOENCODING=encoding) as (process, address):
        assert status(f"{address}{TRACK}caf%C3%A9+%E2%98%95+{'x' * 99}") == 200
        assert status(f"{address}{TRACK}&{'n' * 300}=1") == 414
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (0, b"")
    first, second, last = output.decode(encoding).splitlines()
    assert "caf" in first
    assert ("\\u2615" in first) is (encoding != "utf-8")
    assert "too-large" in second
    assert last == "stopped"
    assert len(stored(tmp_path)) == 1


def test_a_pipe_that_nobody_reads_any_more_does_not_keep_events_from_being_stored(tmp_path: Path) -> None:
    """As in ``python -m pixelmw serve | head -1``."""
    with serving(tmp_path) as (process, address):
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        for number in range(3):
            assert status(f"{address}{TRACK}{number}") == 200
        assert status(f"{address}{TRACK}") == 400
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert process.stderr.read() == b""
    assert stored(tmp_path) == ["0", "1", "2"]


def test_drain_forwards_and_says_0_although_nobody_reads_its_summary(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", lambda event: 1 / 0, name="shop.sink")
    spool({"messageId": "1", "type": "track"})
    spool.close(0)
    (tmp_path / "shop.py").write_text("def sink(event):\n    open('taken', 'a').write(event['messageId'])\n")
    command = [sys.executable, "-m", "pixelmw", "drain", "spool", "--sink=shop:sink"]
    environ = {"PYTHONPATH": ":".join(sys.path)}
    process = subprocess.Popen(command, cwd=tmp_path, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(20) == 0
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert (tmp_path / "taken").read_text() == "1"


@pytest.mark.parametrize("path", ["/pixel/v1/page/", "/pixel//v1/page", "/Pixel/V1/Page"])
def test_a_path_that_is_nearly_a_pixels_stays_the_applications_and_serve_says_so(path: str, tmp_path: Path) -> None:
    with serving(tmp_path) as (process, address):
        assert status(f"{address}{path}?writeKey=k&anonymousId=a") == 404
        assert status(f"{address}/favicon.ico") == 404
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=10)
    first, last = output.decode().splitlines()
    assert first[9:] == f"passed   {path} to the application: the pixel's path is /pixel/v1/page"
    assert last == "stopped"
    assert stored(tmp_path) == []


def test_the_page_for_such_a_path_names_the_right_one() -> None:
    client = WholeClient(welcome_app("k", "x.db", "/live"))
    assert "the one like this is /pixel/v1/track" in client.get("/pixel/v1/track/").text
    assert "the front page is at /" in client.get("/else").text


def test_the_link_of_the_welcome_page_gives_an_event_with_a_number_in_it(tmp_path: Path) -> None:
    with serving(tmp_path) as (_, address):
        with urllib.request.urlopen(f"{address}/", timeout=10) as response:
            good, _ = re.findall(r'<a href="([^"]+)"', response.read().decode())
        assert status(good.replace("&amp;", "&")) == 200
    with closing(sqlite3.connect(tmp_path / "pixelmw.db")) as connection:
        found = "SELECT json_type(body, '$.context.screen.width') FROM events"
        assert connection.execute(found).fetchall() == [("integer",)]


def test_a_client_that_goes_away_with_its_answer_half_read_delays_no_end(tmp_path: Path) -> None:
    with serving(tmp_path) as (process, address):
        host, port = address.removeprefix("http://").split(":")
        for number in range(20):
            with socket.create_connection((host, int(port)), 10) as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # it ends with a reset
                client.sendall(f"GET {TRACK}e{number} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                client.recv(1)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
    assert time.monotonic() - began < 4  # five seconds are what the answers under way have
