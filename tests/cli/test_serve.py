"""``python -m pixelmw serve``: the real command in a process of its own, and its parts."""

from __future__ import annotations

import re
import signal
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from pixelmw import Rejected, __version__
from pixelmw.cli.lines import event_line, refusal_line
from pixelmw.cli.main import main
from pixelmw.cli.report import Report
from pixelmw.cli.serve import front_page_url, make_welcome_app
from pixelmw.cli.welcome import welcome_app
from pixelmw.live import LiveView
from pixelmw.replies import GIF
from pixelmw.sinks import SQLite
from tests.support.pixel import WholeClient
from tests.support.processes import out


@contextmanager
def serving(directory: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the command on a free port; yields its process and its address."""
    command = [sys.executable, "-W", "error", "-m", "pixelmw", "serve", "--port", "0", *options]
    # A shell lets its background jobs ignore Ctrl-C, and a child inherits that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(command, cwd=directory, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    finally:
        signal.signal(signal.SIGINT, before)
    try:
        banner = out(process).readline()
        address = re.search(r"http://\S+:\d+", banner)
        assert address is not None, process.communicate(timeout=10)
        yield process, address[0]
    finally:
        process.kill()
        process.communicate(timeout=10)


def get(url: str) -> tuple[int, str | None, bytes]:
    """The status, the error code and the body of a GET."""
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return response.status, response.headers["X-Pixel-Error"], response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["X-Pixel-Error"], error.read()


def rows(database: Path) -> list[tuple[str, str | None]]:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute("SELECT type, event FROM events ORDER BY received_at").fetchall()


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_visitor_sees_the_welcome_page_and_the_operator_sees_the_events(tmp_path: Path, stop: signal.Signals) -> None:
    with serving(tmp_path) as (process, address):
        page = get(f"{address}/")[2].decode()
        (pixel,) = re.findall(r'<img src="(/[^"]+)"', page)
        good, bad = (url.replace("&amp;", "&") for url in re.findall(r'<a href="([^"]+)"', page))
        assert get(address + pixel.replace("&amp;", "&")) == (200, None, GIF)
        assert get(good) == (200, None, GIF)
        assert get(bad) == (400, "invalid", GIF)
        assert get(f"{address}/else")[0] == 404
        process.send_signal(stop)
        output, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (0, "")
    lines = output.splitlines()
    assert re.fullmatch(r"\d\d:\d\d:\d\d stored   page Welcome by welcome id \S+", lines[0])
    assert re.fullmatch(r"\d\d:\d\d:\d\d stored   track Hello by welcome id \S+", lines[1])
    assert re.fullmatch(r"\d\d:\d\d:\d\d refused  track invalid: event must not be blank", lines[2])
    assert lines[3:] == ["stopped"]
    assert rows(tmp_path / "pixelmw.db") == [("page", None), ("track", "Hello")]


def test_the_options_do_what_they_say(tmp_path: Path) -> None:
    options = ["--db", "mine.db", "--write-key", "one", "--write-key", "two", "--reply", "ok", "--host", "127.0.0.1"]
    with serving(tmp_path, *options) as (_, address):
        url = f"{address}/pixel/v1/track?anonymousId=a&event=e&writeKey="
        assert [get(url + key)[0] for key in ("one", "two", "three")] == [200, 200, 401]
        assert get(url + "one")[2] == b"OK"
    assert len(rows(tmp_path / "mine.db")) == 3


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        pytest.param(["--db", "missing/x.db"], 1, "pixelmw: unable to open database file", id="no such directory"),
        pytest.param(["--write-key", " "], 1, "pixelmw: write_keys holds a blank key", id="a blank key"),
        pytest.param(["--reply", "png"], 2, "invalid choice: 'png'", id="an unknown reply"),
        pytest.param(["--port", "x"], 2, "invalid int value: 'x'", id="a port that is no number"),
        pytest.param(["--host", "203.0.113.1"], 1, "Cannot assign requested address", id="an address of others"),
    ],
)
def test_a_mistake_is_reported_at_the_start(tmp_path: Path, options: list[str], code: int, message: str) -> None:
    command = [sys.executable, "-m", "pixelmw", "serve", "--port", "0", *options]
    result = subprocess.run(command, cwd=tmp_path, text=True, capture_output=True, timeout=30)
    assert result.returncode == code
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert (caught.value.code, capsys.readouterr().out) == (0, f"pixelmw {__version__}\n")


def test_without_a_command_the_usage_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([])
    assert caught.value.code == 2
    assert "serve" in capsys.readouterr().err


def test_the_command_returns_1_if_it_cannot_serve(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["serve", "--db", str(tmp_path)])
    assert caught.value.code == 1
    assert capsys.readouterr().err.startswith("pixelmw: ")


@pytest.mark.parametrize(
    ("host", "url"), [("127.0.0.1", "http://127.0.0.1:80/"), ("::1", "http://[::1]:80/")], ids=["IPv4", "IPv6"]
)
def test_the_banner_shows_a_url_to_open(host: str, url: str) -> None:
    assert front_page_url(host, 80) == url


def test_the_welcome_page_quotes_what_it_shows() -> None:
    app = welcome_app('"><script>&', "<b>.db", "/live")
    page = WholeClient(app).get("/", headers={"Host": "x"}).text
    assert "<script>" not in page
    assert "<b>" not in page
    assert "writeKey=%22%3E%3Cscript%3E%26&amp;" in page


def test_the_terminal_shows_no_control_character_and_the_sentence_of_a_refusal() -> None:
    event = {"type": "track", "event": "a\x1b[31m\n", "userId": "u" * 99, "messageId": "m"}
    assert event_line(event)[9:] == f"stored   track a\ufffd[31m\ufffd by {'u' * 64}… id m"
    refusal = Rejected("invalid", "name must be \x1b[31m", path="name", event_type="page", query="s3cret")
    assert refusal_line(refusal)[9:] == "refused  page invalid: name must be \ufffd[31m"


def test_an_event_that_could_not_be_stored_is_not_shown_as_stored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with SQLite(tmp_path / "x.db") as store:
        app = make_welcome_app(store, [], "gif", Report(), LiveView())
        with closing(sqlite3.connect(tmp_path / "x.db")) as connection:
            connection.execute("DROP TABLE events")
        answer = WholeClient(app).get("/pixel/v1/track?writeKey=k&anonymousId=a&event=e")
    assert answer.status == "503 Service Unavailable"
    output = capsys.readouterr().out
    assert "stored  " not in output
    assert "failed   track was not stored" in output
    assert "no such table" in caplog.text
