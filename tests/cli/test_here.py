"""``serve`` and ``tail`` in this process, beside threads that visit, write and read."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import pytest

from pixelmw.cli.console import json_text, print_line, reader_has_gone
from tests.support.command_line import enter_with_module, fetch, run_with_reader
from tests.support.tails import STORES, event, store

TRACK = "/pixel/v1/track?writeKey=k&anonymousId=a&event="
APP = """
from pixelmw import Discard, PixelMiddleware
from pixelmw.live import LiveView

def page(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"a page"]

def choose(event, request):
    if event["event"] == "no":
        raise Discard

def fragile(event):
    if event["event"] == "bad":
        raise OSError("down")

app = PixelMiddleware(page, fragile, enrich=[choose], live=LiveView("/mine"))

def broken(environ, start_response):
    if environ["PATH_INFO"] == "/broken":
        raise RuntimeError("the page fails")
    return app(environ, start_response)
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    enter_with_module(monkeypatch, tmp_path, "shop_here", APP)
    return tmp_path


def served(monkeypatch: pytest.MonkeyPatch, paths: Sequence[str], *options: str) -> tuple[int, list[str]]:
    """Serve, visit *paths* one after another, and return the exit code and what was printed."""
    printed: list[str] = []

    def visit(stream: IO[str]) -> None:
        printed.append(stream.readline())
        address = re.search(r"http://\S+:\d+", printed[0])
        assert address
        for path in paths:
            fetch(address[0] + path, Sec_Fetch_Dest="document" if "page" in path else "image")
        printed.extend(stream)

    code = run_with_reader(monkeypatch, visit, "serve", "--port=0", *options)
    return code, [line.rstrip("\n") for line in printed]


@pytest.mark.parametrize("app", ["shop_here:app", "shop_here:broken"])
def test_every_outcome_has_its_line_and_counts(shop: Path, monkeypatch: pytest.MonkeyPatch, app: str) -> None:
    paths = ["/broken", "/mine/all", f"{TRACK}no", f"{TRACK}one", f"{TRACK}two"]
    code, lines = served(monkeypatch, paths, f"--app={app}", "--expect=2")
    assert code == 0
    assert "/mine, and stop" in lines[0]
    assert [line[9:26] for line in lines[1:4]] == ["dropped  by an en", "stored   track on", "stored   track tw"]
    assert lines[4:] == ["stopped", "2 of 2 expected events came, and 0 went wrong"]


def test_what_could_not_be_stored_ends_it_with_1(
    shop: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    code, lines = served(monkeypatch, [f"{TRACK}bad"], "--app=shop_here:app", "--expect=2")
    assert code == 1
    assert "failed   track was not stored: see the log above" in lines[1]
    assert "OSError" in caplog.text


def test_the_banner_is_on_standard_error_where_standard_output_is_for_events(
    shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("serve", "--port=0", "--json", "--timeout=0.2")
    assert run_with_reader(monkeypatch, list, *arguments) == 0
    banner, stopped = capsys.readouterr().err.splitlines()
    assert "live view" in banner
    assert stopped == "stopped"


def test_the_page_of_its_own_takes_a_database_and_a_near_miss_is_told(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, lines = served(monkeypatch, ["/pixel/v1/page/", "/", f"{TRACK}one"], "--db=x.db", "--expect=1", "--reply=ok")
    assert code == 0
    assert lines[1].endswith("to the application: the pixel's path is /pixel/v1/page")
    assert (shop / "x.db").exists()


# --- tail ---


@pytest.mark.parametrize("name", STORES)
@pytest.mark.parametrize("options", [["--lines=5"], ["--json"], ["--user=42", "--json"]])
def test_the_events_of_a_store_are_printed_as_they_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, options: list[str]
) -> None:
    path = tmp_path / name
    store(path, "one", "two")
    printed: list[str] = []

    def read(stream: IO[str]) -> None:
        printed.extend([stream.readline(), stream.readline()])
        store(path, "three")
        printed.append(stream.readline())
        for each in tmp_path.glob(f"{name}*"):
            each.rename(each.with_name(f"old-{each.name}"))
        store(path, "four")
        printed.append(stream.readline())

    assert run_with_reader(monkeypatch, read, "tail", str(path), *options) == 0
    names = [json.loads(line)["event"] if "--json" in options else line.split()[4] for line in printed]
    assert names == ["one", "two", "three", "four"]


def test_what_is_skipped_and_what_is_away_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"no json\n" + json.dumps(event("one")).encode() + b"\n" + b"x" * 1_200_000)

    def read(stream: IO[str]) -> None:
        stream.readline()
        path.rename(tmp_path / "old")
        store(path, "two")
        assert "two" in stream.readline()
        path.write_bytes(b"")
        store(path, "three")
        assert "three" in stream.readline()

    assert run_with_reader(monkeypatch, read, "tail", str(path)) == 0
    assert "2 skipped: no events, or too long" in capsys.readouterr().err


# --- what is printed ---


def test_colours_need_a_terminal_and_nobody_who_wants_none(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pty.openpty()
    monkeypatch.setenv("TERM", "xterm")
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        for no_color, expected in (
            ("", b"\x1b[31mfault\x1b[39m: x\xef\xbf\xbd\r\n"),
            ("1", b"fault: x\xef\xbf\xbd\r\n"),
        ):
            monkeypatch.setenv("NO_COLOR", no_color)
            assert print_line("fault: x\x1b", word="fault", colour="red")
            assert os.read(ours, 100) == expected
    os.close(ours)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8", "utf-16"])
def test_json_is_the_same_json_in_every_encoding(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    value = {"é": ["☕", "😀", "\x1b", "\x7f", "\u202e", "\x9b", "\ud800", "a\nb", 1.5, None]}
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    for indent in (None, 2):
        text = json_text(value, indent=indent)
        assert json.loads(text.encode(encoding).decode(encoding)) == value
        assert all(line.isprintable() for line in text.split("\n"))


def test_what_is_no_pipe_has_no_reader_that_could_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert not reader_has_gone()
    assert print_line("x")
    sys.stdout.close()
    assert not print_line("x")


def test_a_pipe_whose_reader_has_gone_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        assert not reader_has_gone()
        os.close(reading)
        assert reader_has_gone()
        assert not print_line("x")
