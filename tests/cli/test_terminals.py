"""What reaches a terminal or a pipe: colours for those who want them, and nothing that controls it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pixelmw.sinks import JSONLines, SQLite
from tests.support.command_line import TIMEOUT, environment, fetch, on_terminal, run, serving, started
from tests.support.processes import stored
from tests.support.spools import fill, waiting

TRACK = "/pixel/v1/track?writeKey=k&anonymousId=a&event="
LINK = ["link", "--base", "https://x.example", "--event", "e", "--user", "u"]


@pytest.mark.slow
def test_colours_are_for_terminals_and_for_those_who_want_them(tmp_path: Path) -> None:
    arguments = ["check", TRACK, f"{TRACK}e&context.page.ulr=x"]
    coloured = on_terminal(tmp_path, *arguments)
    assert "\x1b[31mfault:\x1b[39m event must not be blank" in coloured
    assert "\x1b[33mhint:\x1b[39m" in coloured
    assert "\x1b[32maccepted\x1b[39m" in coloured
    plain = re.sub(r"\x1b\[3\dm", "", coloured)
    for without in (
        on_terminal(tmp_path, *arguments, NO_COLOR="1"),
        on_terminal(tmp_path, *arguments, TERM="dumb"),
        run(tmp_path, *arguments).out.replace("\n", "\r\n"),
    ):
        assert "\x1b" not in without
        assert re.sub(r'"(messageId|\w+At|\w+Timestamp)": "[^"]+"', "", without) == re.sub(
            r'"(messageId|\w+At|\w+Timestamp)": "[^"]+"', "", plain
        )


EVIL = ["\x1b[2J", "\x9b31m", "\x07", "\x1b]0;title\x07", "\u202e", "\r", "\x7f", "\x00", "\u2028", "\ufeff", "\x85"]


@pytest.mark.slow
def test_no_character_that_controls_a_terminal_reaches_it(tmp_path: Path) -> None:
    evil = "".join(EVIL)
    fields = ["event", "userId", "anonymousId", "messageId", "type", "name", "receivedAt"]
    nasty = {name: f"{evil}{name}" for name in fields} | {"properties": {evil: [evil]}}
    JSONLines(tmp_path / "events.jsonl")(nasty)
    sink = SQLite(tmp_path / "events.db")
    sink(nasty)
    sink.close()
    query = f"{TRACK}{evil}&{evil}={evil}&messageId={evil}1&context.screen.width={evil}&a=1&a.{evil}=2&name={{{{{evil}"
    (tmp_path / "urls").write_text(query.replace("\x00", "%00").replace("\r", "%0d").replace("\x1b", "%1b") + "\n")
    printed = [printed_by_serve(tmp_path, query)]
    for options in ([], ["--json"]):
        said = run(tmp_path, "check", *options, "-", given=(tmp_path / "urls").read_bytes())
        printed.append(said.out + said.err)
    for store in ("events.jsonl", "events.db"):
        for options in ([], ["--json"]):
            with started(tmp_path, "tail", store, *options) as process:
                assert process.stdout is not None
                printed.append(process.stdout.readline())
    for text in printed:
        assert text
        assert all(line.isprintable() for line in text.split("\n")), ascii(text)


def printed_by_serve(directory: Path, query: str) -> str:
    """What ``serve`` prints about a request that holds *query* and one that is accepted."""
    escaped = "".join(f"%{byte:02x}" if byte < 33 or byte > 126 else chr(byte) for byte in query.encode())
    good = escaped.partition("&context")[0]
    printed = ""
    for options in ([], ["--json"]):
        with serving(directory, *options) as (process, address):
            assert fetch(address + good)[0] == 200
            assert fetch(address + escaped)[0] == 400
            process.terminate()
            printed += "".join(process.communicate(timeout=TIMEOUT))
    return printed


def test_json_is_the_same_json_whatever_the_terminal_lacks(tmp_path: Path) -> None:
    event = {"type": "track", "messageId": "m", "event": "café ☕ 😀 \x1b \x7f \u202e"}
    JSONLines(tmp_path / "events.jsonl")(event)
    for encoding in ("ascii", "latin-1", "utf-8"):
        variables = {"PYTHONIOENCODING": encoding}
        with started(tmp_path, "tail", "events.jsonl", "--json", variables=variables) as process:
            assert process.stdout is not None
            line = process.stdout.buffer.readline()  # type: ignore[attr-defined]
        assert json.loads(line.decode(encoding)) == event
        assert line.decode(encoding)[:-1].isprintable()


@pytest.mark.parametrize(
    "arguments",
    [["check", "-"], ["check", "--json", "-"], LINK],
)
def test_a_closed_pipe_ends_a_command_quietly(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "urls").write_text(f"{TRACK}e\n" * 2000)
    with (tmp_path / "urls").open() as urls:
        process = subprocess.Popen(
            [sys.executable, "-m", "pixelmw", *arguments],
            cwd=tmp_path,
            stdin=urls,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(tmp_path),
        )
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(TIMEOUT) == 0
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_command_runs_without_its_standard_streams(tmp_path: Path, closed: str) -> None:
    (tmp_path / "shop.py").write_text("from pixelmw.sinks import JSONLines\nsink = JSONLines('out.jsonl')\n")
    fill(tmp_path / "spool", ["1", "2"])
    command = [sys.executable, "-m", "pixelmw", "drain", "spool", "--sink=shop:sink"]
    ended = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", *command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        env=environment(tmp_path),
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert stored(tmp_path / "out.jsonl") == ["1", "2"]
    assert waiting(tmp_path / "spool") == []
