"""Both durable sinks under real faults: each raises, and the answer is 503, until the fault is gone."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from pixelmw.sinks import JSONLines, SQLite, Unavailable
from pixelmw.sinks.base import is_down
from tests.support import faults
from tests.support.faults import TIMEOUT, open_sink
from tests.support.pixel import Pixel
from tests.support.processes import event, run, stored

TOO_BIG = 6000  # bytes; more than what is left of a page, so that a full disk takes only a part of a line


def close(sink: JSONLines | SQLite) -> None:
    if isinstance(sink, SQLite):
        sink.close()


Case = tuple[Callable[[Path, str], AbstractContextManager[faults.Fault]], str, type[Exception]]

FRESH: dict[str, Case] = {
    "lines on a full disk": (faults.full_disk, "events.jsonl", OSError),
    "lines in a missing directory": (faults.missing_directory, "events.jsonl", FileNotFoundError),
    "lines in a read-only directory": (faults.read_only_directory, "events.jsonl", PermissionError),
    "lines to a read-only file": (faults.read_only_file, "events.jsonl", PermissionError),
    "lines to a locked file": (faults.locked, "events.jsonl", TimeoutError),
    "lines beyond the limit of a file": (faults.file_size_limit, "events.jsonl", OSError),
    "lines to a directory": (faults.not_a_file, "events.jsonl", IsADirectoryError),
    "a database on a full disk": (faults.full_disk, "events.db", OSError),
    "a database in a missing directory": (faults.missing_directory, "events.db", Unavailable),
    "a database in a read-only directory": (faults.read_only_directory, "events.db", Unavailable),
    "a read-only database": (faults.read_only_file, "events.db", Unavailable),
    "a locked database": (faults.locked, "events.db", Unavailable),
    "a database that is being made": (faults.being_made, "events.db", Unavailable),
    "a database beyond the limit of a file": (faults.file_size_limit, "events.db", Unavailable),
    "not a database": (faults.not_a_file, "events.db", Unavailable),
}
USED: dict[str, Case] = {
    "lines on a full disk": (faults.full_disk, "events.jsonl", OSError),
    "lines whose directory moved away": (faults.missing_directory, "events.jsonl", FileNotFoundError),
    "lines to a locked file": (faults.locked, "events.jsonl", TimeoutError),
    "lines beyond the limit of a file": (faults.file_size_limit, "events.jsonl", OSError),
    "a database on a full disk": (faults.full_disk, "events.db", OSError),
    "a database whose directory moved away": (faults.missing_directory, "events.db", Unavailable),
    "a locked database": (faults.locked, "events.db", Unavailable),
    "a database beyond the limit of a file": (faults.file_size_limit, "events.db", Unavailable),
}


def cases(table: dict[str, Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("fault", "name", "error"), table.values(), ids=list(table))


@cases(FRESH)
def test_a_new_sink_raises_while_a_fault_lasts_and_stores_the_next_event(
    tmp_path: Path, fault: Callable[..., Any], name: str, error: type[Exception]
) -> None:
    with fault(tmp_path, name) as (path, lasting):
        sink = open_sink(path)
        with lasting(), pytest.raises(error) as caught:
            sink(event("refused", TOO_BIG))
        assert is_down(caught.value)  # so no wrapper makes a dead letter of the event
        sink(event("after", TOO_BIG))
        close(sink)
        assert stored(path) == ["after"]


@cases(USED)
def test_a_sink_in_use_raises_while_a_fault_lasts_and_loses_nothing_that_it_took(
    tmp_path: Path, fault: Callable[..., Any], name: str, error: type[Exception]
) -> None:
    with fault(tmp_path, name) as (path, lasting):
        sink = open_sink(path)
        sink(event("before"))
        with lasting():
            with pytest.raises(error):
                sink(event("refused", TOO_BIG))
            with pytest.raises(error):
                sink(event("refused again", TOO_BIG))
        sink(event("after", TOO_BIG))
        close(sink)
        assert stored(path) == ["before", "after"]


@cases(FRESH)
def test_a_pixel_is_answered_503_while_a_fault_lasts_and_200_once_it_is_gone(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    fault: Callable[..., Any],
    name: str,
    error: type[Exception],
) -> None:
    with fault(tmp_path, name) as (path, lasting):
        sink = open_sink(path)
        pixel = Pixel(sink=sink)
        query = f"writeKey=k&anonymousId=a&event=e&properties.text={'x' * TOO_BIG}&messageId="
        with lasting():
            refused = pixel.get("/pixel/v1/track", query + "refused")
        accepted = pixel.get("/pixel/v1/track", query + "after")
        close(sink)
        assert stored(path) == ["after"]
    assert (refused.status_code, refused.headers["X-Pixel-Error"]) == (503, "unavailable")
    assert int(refused.headers["Retry-After"]) > 0
    assert refused.data.startswith(b"GIF89a")
    assert (accepted.status_code, accepted.headers.get("X-Pixel-Error")) == (200, None)
    (record,) = [record for record in caplog.records if record.name == "pixelmw.requests"]
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], error)
    assert "Traceback" in caplog.text


waits = pytest.mark.parametrize(
    ("fault", "name"),
    [(faults.locked, "events.jsonl"), (faults.locked, "events.db"), (faults.being_made, "events.db")],
    ids=["lines", "a database", "a database that is being made"],
)


@waits
def test_a_locked_file_is_waited_for_no_longer_than_the_timeout(
    tmp_path: Path, fault: Callable[..., Any], name: str
) -> None:
    with fault(tmp_path, name) as (path, lasting):
        sink = open_sink(path)
        with lasting():
            started = time.monotonic()
            with pytest.raises((TimeoutError, Unavailable)):
                sink(event("refused"))
            assert TIMEOUT * 0.9 < time.monotonic() - started < TIMEOUT * 10
        close(sink)


@waits
def test_a_file_that_is_unlocked_in_time_is_written_to(tmp_path: Path, fault: Callable[..., Any], name: str) -> None:
    with fault(tmp_path, name) as (path, lasting):
        sink = (SQLite if path.suffix == ".db" else JSONLines)(path, timeout=20)
        with lasting():
            waiting = threading.Thread(target=sink, args=(event("waited"),))
            waiting.start()
        waiting.join(20)
        close(sink)
        assert stored(path) == ["waited"]


_REQUESTS = """
import os, sys
from pathlib import Path
from tests.support.pixel import Pixel
from tests.support.processes import event
from tests.support.faults import open_sink

sink = open_sink(Path(sys.argv[1]))
sink(event("before"))
pixel = Pixel(sink=sink)
for name in sys.argv[2:]:
    answer = pixel.get("/pixel/v1/track", f"writeKey=k&anonymousId=a&event=e&messageId={name}")
    print(answer.status_code, answer.headers.get("X-Pixel-Error"), "Retry-After" in answer.headers, flush=True)
os._exit(0)
"""


@pytest.mark.parametrize(("name", "synced"), [("events.jsonl", "events.jsonl"), ("events.db", "events.db-wal")])
def test_a_sync_that_fails_is_a_503_and_the_next_event_is_stored(tmp_path: Path, name: str, synced: str) -> None:
    trace = tmp_path / "trace"
    for directory in ("dry", "real"):
        (tmp_path / directory).mkdir()
    command = [faults.strace(), "-f", "--seccomp-bpf", "-qq", "-o", str(trace), "-y", "-e", "trace=fdatasync"]
    # How many syncs the first event needs depends on SQLite's version.
    assert run(_REQUESTS, tmp_path / "dry" / name, under=command) == []
    count = trace.read_text().count(f"{synced}>")
    assert count
    real = tmp_path / "real"
    inject = ["-P", str(real / synced), "-e", f"inject=fdatasync:error=EIO:when={count + 1}"]
    answers = run(_REQUESTS, real / name, "first", "second", under=command + inject)
    assert answers == ["503", "unavailable", "True", "200", "None", "False"]
    assert "(INJECTED)" in trace.read_text()
    assert {"before", "second"} <= set(stored(real / name))
