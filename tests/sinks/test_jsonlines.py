"""Events as lines of JSON: every line is whole, also if a killed process left a part of one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pixelmw import Event
from pixelmw.sinks import JSONLines, Undeliverable
from tests.support.faults import strace
from tests.support.processes import event, lines, run, stored


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def test_each_event_is_one_line_of_json_in_utf8(path: Path) -> None:
    events: list[Event] = [
        {"messageId": "1", "text": 'größe 日本 🎉 "\n\u2028'},
        {"messageId": "2", "n": [1, 2.5, None, True, {}]},
    ]
    sink = JSONLines(path)
    for each in events:
        sink(each)
    assert path.read_text(encoding="utf-8").count("\n") == 2
    assert "größe 日本 🎉".encode() in path.read_bytes()
    assert lines(path) == events


@pytest.mark.parametrize(
    ("value", "words"),
    [
        pytest.param(float("nan"), "not JSON compliant", id="NaN"),
        pytest.param(float("inf"), "not JSON compliant", id="infinity"),
        pytest.param("\ud800", "surrogates not allowed", id="half a surrogate pair"),
        pytest.param(b"bytes", "not JSON serializable", id="bytes"),
    ],
)
def test_what_is_not_json_is_refused_and_leaves_no_trace(path: Path, value: Any, words: str) -> None:
    with pytest.raises(Undeliverable, match=f"the event is not JSON: .*{words}"):
        JSONLines(path)({"messageId": "1", "value": value})
    assert not path.exists()


def test_a_sink_says_where_it_writes(path: Path) -> None:
    assert repr(JSONLines(path)) == f"JSONLines({str(path)!r})"


def test_making_a_sink_does_not_touch_the_disk(path: Path) -> None:
    JSONLines(path)
    assert not path.exists()


def test_what_a_file_holds_already_stays(path: Path) -> None:
    JSONLines(path)(event("1"))
    JSONLines(path)(event("2"))
    assert stored(path) == ["1", "2"]


def test_a_relative_path_survives_a_change_of_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    sink = JSONLines("events.jsonl")
    sink(event("1"))
    monkeypatch.chdir(tmp_path / "elsewhere")
    sink(event("2"))
    assert stored(tmp_path / "events.jsonl") == ["1", "2"]


def test_a_file_that_is_deleted_is_made_again(path: Path) -> None:
    sink = JSONLines(path)
    sink(event("1"))
    path.unlink()
    sink(event("2"))
    assert stored(path) == ["2"]


@pytest.mark.parametrize("torn", [b'{"messageId":"to', b'{"messageId":"torn"}', "é".encode()[:1]])
def test_half_a_line_that_a_killed_process_left_does_not_spoil_the_next(path: Path, torn: bytes) -> None:
    path.write_bytes(b'{"messageId":"0"}\n' + torn)
    sink = JSONLines(path)
    sink(event("1"))
    sink(event("2"))
    first, left, *rest = path.read_bytes().splitlines()
    assert (first, left) == (b'{"messageId":"0"}', torn)
    assert [json.loads(line) for line in rest] == [event("1"), event("2")]


def test_no_descriptor_stays_open(path: Path) -> None:
    sink = JSONLines(path)
    sink(event("1"))
    before = len(list(Path("/dev/fd").iterdir()))
    for number in range(20):
        sink(event(str(number)))
        with pytest.raises(IsADirectoryError):
            JSONLines(path.parent)(event("1"))
    assert len(list(Path("/dev/fd").iterdir())) == before


# --- system calls ---

_THREE = """
import os, sys
from pixelmw.sinks import JSONLines
from tests.support.faults import strace
from tests.support.processes import event

sink = JSONLines(sys.argv[1], sync=sys.argv[2] == "sync")
for name in "123":
    sink(event(name, 100))
    os.write(1, b"returned\\n")
"""


def trace(path: Path, mode: str) -> list[str]:
    """Return the system calls on the file, its directory and the pipe, in order, but for opening what is not there."""
    log = path.with_suffix(".trace")
    calls = "trace=openat,write,writev,pwrite64,fsync,fdatasync"
    run(_THREE, path, mode, under=[strace(), "-f", "--seccomp-bpf", "-qq", "-y", "-e", calls, "-o", str(log)])
    found = []
    for line in log.read_text().splitlines():
        call = line.split(maxsplit=1)[1]
        name = call.split("(")[0]
        if '"returned' in call:
            found.append("return")
        elif name == "openat" and f'"{path}"' in call and "ENOENT" not in call:
            found.append("append" if "O_APPEND" in call else "open")
        elif f"<{path}>" in call and name != "openat":
            found.append(name)
        elif f"<{path.parent}>" in call and name != "openat":
            found.append(f"{name} directory")
    return found


def test_a_line_is_one_write_that_is_on_the_disk_before_the_sink_returns(path: Path) -> None:
    each = ["append", "write", "fdatasync", "return"]
    assert trace(path, "sync") == ["append", "fsync directory", *each[1:], *each, *each]


def test_nothing_is_synced_where_it_is_not_asked_for(path: Path) -> None:
    assert trace(path, "lazy") == ["append", "write", "return"] * 3
