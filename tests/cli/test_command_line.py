"""What all commands have in common: help that works, suggestions, exit codes, colours, pipes, and safe terminals."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from pixelmw.sinks import JSONLines, SQLite
from tests.support.command_line import (
    TIMEOUT,
    environment,
    fetch,
    run_here,
)

TRACK = "/pixel/v1/track?writeKey=k&anonymousId=a&event="
EVENT = {
    "type": "track",
    "event": "Order Completed",
    "messageId": "m",
    "userId": "u",
    "receivedAt": "2026-11-23T12:34:56Z",
}
APP = """
from pixelmw import PixelMiddleware
from pixelmw.sinks import JSONLines

def page(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"a page"]

app = PixelMiddleware(page, JSONLines("own.jsonl"))
"""


def commands(capsys: pytest.CaptureFixture[str]) -> list[str]:
    found = re.search(r"\{([\w,-]+)\}", run_here(capsys, "--help").out)
    assert found
    return found[1].split(",")


# --- help ---


def examples(text: str) -> list[str]:
    """The commands at the end of a help."""
    return [line.strip() for line in text.partition("examples:\n")[2].splitlines() if line.startswith("  ")]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A directory that has all that the examples name."""
    (tmp_path / "myapp.py").write_text(APP)
    (tmp_path / "urls.txt").write_text(f"{TRACK}Opened\n")
    (tmp_path / "plan.json").write_text(json.dumps({"Opened": {}}))
    sink = SQLite(tmp_path / "pixelmw.db")
    sink(EVENT)
    sink.close()
    JSONLines(tmp_path / "events.jsonl")(EVENT)
    (tmp_path / "spool").mkdir(mode=0o700)
    (tmp_path / "spool" / "drain.lock").touch(mode=0o600)
    return tmp_path


@pytest.mark.slow
def test_every_help_has_an_example_that_works(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in commands(capsys):
        found = examples(run_here(capsys, command, "--help").out)
        assert found, command
        for example in found:
            assert f"{example} ".startswith(f"python -m pixelmw {command} ")
            _run_example(shop, example)
    for example in examples(run_here(capsys, "--help").out):
        _run_example(shop, example)


def _run_example(directory: Path, example: str) -> None:
    """Run an example as it stands, except for the port, and for the place where a spool usually is."""
    script = example.replace("python ", f"{shlex.quote(sys.executable)} -W error ", 1)
    script = script.replace("/var/spool/pixelmw", "spool").replace(" serve", " serve --port 0")
    command = example.split()[3]
    process = subprocess.Popen(
        ["/bin/sh", "-c", f"exec {script}"],
        cwd=directory,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(directory),
    )
    try:
        if command == "serve":
            stream = process.stderr if "--json" in example else process.stdout
            assert stream is not None
            address = re.search(r"http://\S+:\d+", stream.readline())
            assert address, example
            for name in "abc":
                assert fetch(f"{address[0]}{TRACK}{name}")[0] == 200, example
        if command == "tail":
            assert process.stdout is not None
            assert "Order Completed" in process.stdout.readline(), example
        if command == "tail" or (command == "serve" and "--expect" not in example):
            process.terminate()
        output, errors = process.communicate(timeout=TIMEOUT)
        assert process.returncode == 0, (example, output, errors)
        assert "Traceback" not in errors, example
    finally:
        process.kill()
        process.communicate(timeout=TIMEOUT)


# --- suggestions and exit codes ---


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["serv"], "did you mean serve?"),
        (["chek", "x"], "did you mean check?"),
        (["serve", "--jsn"], "unknown argument --jsn: did you mean --json?"),
        (["serve", "--timout=3"], "unknown argument --timout=3: did you mean --timeout?"),
        (["serve", "--replay", "gif"], "did you mean --reply?"),
        (["serve", "--reply", "git"], "did you mean gif?"),
        (["check", "--scheme", "x", "url"], "did you mean --schema?"),
        (["tail", "x.db", "--usr", "u"], "did you mean --user?"),
        (["tail", "x.db", "--type", "trak"], "did you mean track?"),
        (["drain", "x", "--folow"], "did you mean --follow?"),
        (["link", "--base", "https://x.example", "--proprty", "a=b"], "did you mean --property?"),
        (["--versoin"], "did you mean --version?"),
    ],
)
def test_what_is_unknown_is_told_with_the_nearest(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    said = run_here(capsys, *arguments)
    assert (said.code, said.out) == (2, "")
    assert words in said.err


def test_what_is_near_nothing_gets_no_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    said = run_here(capsys, "serve", "--qqqqqq")
    assert (said.code, "did you mean" in said.err) == (2, False)
    assert "unknown argument --qqqqqq" in said.err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--version"], 0),
        (["check", f"{TRACK}e"], 0),
        (["check", TRACK], 1),
        (["check", "--schema", "missing.json", TRACK], 1),
        (["check", "--keys-file", "missing", TRACK], 1),
        (["check"], 2),
        (["check", "--app", "a:b", "--schema", "c", TRACK], 2),
        (["tail", "missing.db"], 1),
        (["tail"], 2),
        (["tail", "x.db", "--lines", "-1"], 2),
        (["tail", "x.db", "--lines", "999999999"], 2),
        (["serve", "--app", "missing:app"], 1),
        (["serve", "--port", "x"], 2),
        (["drain", "missing", "--sink", "a:b"], 1),
        (["drain", "missing", "--timeout", "never"], 2),
        (["link", "--base", "x", "--event", "e"], 1),
        ([], 2),
    ],
)
def test_exit_codes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int
) -> None:
    monkeypatch.chdir(tmp_path)
    said = run_here(capsys, *arguments)
    assert said.code == code
    assert bool(said.err) is (code == 2 or (code == 1 and not said.out))


@pytest.mark.parametrize("option", ["--schema", "--keys-file"])
def test_a_file_without_an_end_is_refused(capsys: pytest.CaptureFixture[str], option: str) -> None:
    said = run_here(capsys, "check", option, "/dev/zero", f"{TRACK}e")
    assert (said.code, said.out) == (1, "")
    assert f"{option} /dev/zero: it has more than 4 MB" in said.err


def test_keys_may_come_from_another_command(shop: Path) -> None:
    """As in ``--keys-file <(vault read keys)``."""
    script = f"{shlex.quote(sys.executable)} -m pixelmw check --keys-file <(echo a-key-of-the-tests-only) '{TRACK}e'"
    said = subprocess.run(["bash", "-c", script], capture_output=True, timeout=TIMEOUT, env=environment(shop))
    assert (said.returncode, said.stderr) == (0, b"")


@pytest.mark.parametrize("name", ["pipe", "/dev/zero", "directory"])
def test_a_database_that_is_none_is_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    (tmp_path / "directory").mkdir()
    said = run_here(capsys, "serve", "--port=0", "--timeout=1", f"--db={name}")
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("pixelmw: ")
