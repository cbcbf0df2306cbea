"""What people reported of other queues on disk, tried here; each test names the report."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pixelmw import Event
from pixelmw.delivery import Background, Spool
from pixelmw.delivery.disk.segments.name import Segment
from pixelmw.sinks import JSONLines
from tests.support.command_line import run_here
from tests.support.processes import event, run, stored
from tests.support.spools import drained, fill, waiting


def cut(path: Path, count: int) -> None:
    """Write zeros over the last bytes of a file, as a file system may after a power cut."""
    with path.open("r+b") as file:
        file.seek(-count, os.SEEK_END)
        file.write(bytes(count))


@pytest.mark.parametrize("zeros", [1, 30, 200])
def test_a_power_cut_leaves_zeros_at_the_end(tmp_path: Path, zeros: int) -> None:
    """https://github.com/peter-wangxu/persist-queue/issues/56, https://github.com/peter-wangxu/persist-queue/issues/180

    The queue could not be opened any more.
    """
    segment = fill(tmp_path / "spool", [f"e{number}" for number in range(20)])
    cut(segment, zeros)
    for name in ("destination", "in-flight", "drain.lock", f"{segment.name}.cursor"):
        (tmp_path / "spool" / name).write_bytes(bytes(64))
    arrived: list[Event] = []
    with Spool(tmp_path / "spool", arrived.append) as spool:
        spool(event("new"))
        assert spool.flush(20)
    ids = [each["messageId"] for each in arrived]
    lost = 20 - ids.index("new")
    assert ids == [*(f"e{number}" for number in range(20 - lost)), "new"]
    assert 1 <= lost <= 4
    assert spool.stats()["queued"] == 0


def test_an_item_that_cannot_be_decoded_stands_in_the_way(tmp_path: Path) -> None:
    """https://github.com/peter-wangxu/persist-queue/issues/142: ``get`` raised for it each time, and no other came."""
    segment = fill(tmp_path / "spool", ["a", "b", "c"])
    data = segment.read_bytes()
    at = data.index(b'"b"')
    segment.write_bytes(data[:at] + b"\x80\x81\x82" + data[at + 3 :])
    assert drained(tmp_path / "spool") == ["a", "c"]
    assert waiting(tmp_path / "spool") == []


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 4096, b"\xc1\x00" + os.urandom(4000), b"\xffPX1" * 500],
    ids=["empty", "zeros", "noise", "marks"],
)
def test_files_without_one_whole_record_stop_what_comes_after_them(tmp_path: Path, content: bytes) -> None:
    """https://github.com/fluent/fluent-bit/issues/11847, https://github.com/fluent/fluent-bit/issues/5265

    The process ran on and forwarded nothing more, or did not start.
    """
    directory = tmp_path / "spool"
    fill(directory, ["last"])
    for number in range(5):
        (directory / Segment(1000 + number, f"{number:012x}", 0).name).write_bytes(content)
    assert drained(directory) == ["last"]
    assert waiting(directory) == []


def test_a_drain_after_a_crash_in_the_middle_of_a_write_never_ends(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """https://github.com/vectordotdev/vector/issues/17644: it looped for ever, and only SIGKILL ended it."""
    segment = fill(tmp_path / "spool", ["a", "b"])
    data = segment.read_bytes()
    segment.write_bytes(data + data[: len(data) // 3])  # half of a record that was written once before
    monkeypatch.chdir(tmp_path)
    said = run_here(capsys, "drain", "spool", "--sink=builtins:repr", "--timeout=20")
    assert "forwarded 2 events" in said.out
    assert waiting(tmp_path / "spool") == []


def test_the_place_to_go_on_is_in_a_file_that_is_gone(tmp_path: Path) -> None:
    """https://github.com/vectordotdev/vector/pull/25570: a crash between the removal and the note of it."""
    directory = tmp_path / "spool"
    first = fill(directory, ["a"])
    gone = first.name
    fill(directory, ["b"])
    (directory / f"{gone}.cursor").write_bytes(b"\x01" * 12)
    (directory / "in-flight").write_text(
        f'{{"events": 1, "alone": "{gone}:0", "batches": 1, "deaths": {{"{gone}:0": 2}}}}\n'
    )
    first.unlink()
    assert drained(directory) == ["b"]
    assert sorted(path.name for path in directory.iterdir()) == ["destination", "drain.lock"]


_STORE_AT = """
import os, sys, time
real, shift = time.time, float(sys.argv[2])
time.time = lambda: real() + shift
from pixelmw.delivery import Spool
from tests.support.processes import event

sys.modules["uwsgi"] = type(sys)("uwsgi")
Spool(sys.argv[1], print)(event(sys.argv[3]))
os._exit(0)
"""


@pytest.mark.slow
def test_a_new_file_has_the_name_of_one_that_was_left(tmp_path: Path) -> None:
    """https://github.com/vectordotdev/vector/issues/19155, https://github.com/rsyslog/rsyslog/issues/5771

    The writer was stuck at the old name, or wrote over it. Here the clock is set back, so that names come again.
    """
    for shift in (0, -3600, 3600, 0):
        run(_STORE_AT, tmp_path / "spool", shift, f"at {shift}")
    assert sorted(drained(tmp_path / "spool")) == sorted(["at 0", "at -3600", "at 3600", "at 0"])


def test_a_restart_sends_the_last_events_again(tmp_path: Path) -> None:
    """https://github.com/elastic/beats/issues/32560: once there were two segments, each restart did."""
    arrived: list[Event] = []
    for number in range(6):
        with Spool(tmp_path / "spool", arrived.append) as spool:
            spool(event(f"e{number}"))
            assert spool.flush(20)
            spool.close()
            spool(event(f"f{number}"))
            assert spool.flush(20)
    ids = [each["messageId"] for each in arrived]
    assert ids == [each for number in range(6) for each in (f"e{number}", f"f{number}")]


@pytest.mark.parametrize(
    "name", ["out.jsonl", "buffer.b599666a497e9bf324a8b439170ed10d2.log", "x.segment", "1.segment.cursor"]
)
def test_what_somebody_else_keeps_in_the_directory_is_taken_for_events(tmp_path: Path, name: str) -> None:
    """https://github.com/fluent/fluentd/pull/1124: the output stood beside the buffer, and each line was sent again."""
    directory = tmp_path / "spool"
    with Spool(directory, JSONLines(directory / name)) as spool:
        for number in range(3):
            spool(event(f"e{number}"))
            assert spool.flush(20)
    with Spool(directory, JSONLines(directory / name)) as spool:
        spool(event("e3"))
        assert spool.flush(20)
        assert spool.stats()["queued"] == 0
    assert stored(directory / name) == ["e0", "e1", "e2", "e3"]


@pytest.mark.parametrize(
    "content", [b"", b"\x01", b"\0" * 12, b"\xff" * 12, b"x" * 5000], ids=["empty", "short", "zeros", "ones", "long"]
)
def test_the_file_that_says_how_far_it_was_is_gone_or_torn(tmp_path: Path, content: bytes) -> None:
    """https://github.com/rsyslog/rsyslog/issues/921: the queue went out of service, or its events were lost."""
    segment = fill(tmp_path / "spool", ["a", "b", "c"])
    (tmp_path / "spool" / f"{segment.name}.cursor").write_bytes(content)
    assert drained(tmp_path / "spool") == ["a", "b", "c"]


@pytest.mark.parametrize(
    "make",
    [lambda directory: Spool(directory, print), lambda directory: Background(print)],
    ids=["Spool", "Background"],
)
def test_flush_hangs_where_nothing_forwards(tmp_path: Path, make: Callable[[Path], Spool | Background]) -> None:
    """https://github.com/segmentio/analytics-python/issues/85: it did, and Ctrl-C did not end it."""
    delivery = make(tmp_path / "spool")
    assert delivery.flush()
    delivery(event("e"))
    assert delivery.flush(20)
    delivery.close()
    assert delivery.flush()


_PRELOAD = """
import os, sys, threading
from pixelmw.delivery import Background, Spool
from pixelmw.sinks import JSONLines
from tests.support.processes import event

kind, directory, out = sys.argv[1:]
sink = JSONLines(out)
delivery = Spool(directory, sink) if kind == "Spool" else Background(sink)
delivery(event("master"))
assert delivery.flush(20)
pids = []
for number in range(3):
    if not (pid := os.fork()):
        delivery(event(f"worker {number}"))
        sys.exit(0)
    pids.append(pid)
for pid in pids:
    os.waitpid(pid, 0)
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["Spool", "Background"])
def test_the_queue_was_made_before_the_workers_were_forked(tmp_path: Path, kind: str) -> None:
    """https://github.com/PostHog/posthog-python/issues/290: events of the workers were never sent."""
    run(_PRELOAD, kind, tmp_path / "spool", tmp_path / "out")
    ids = [*stored(tmp_path / "out"), *(drained(tmp_path / "spool") if kind == "Spool" else [])]
    assert sorted(ids) == ["master", "worker 0", "worker 1", "worker 2"]


_CHILD = """
import multiprocessing, sys
from pixelmw.delivery import Background
from pixelmw.sinks import JSONLines
from tests.support.processes import event

def work(queue, out):
    queue(event("of the child"))

if __name__ == "__main__":
    queue = Background(JSONLines(sys.argv[1]), max_delay=60)
    child = multiprocessing.get_context("fork").Process(target=work, args=[queue, sys.argv[1]])
    child.start()
    child.join(20)
    sys.exit(child.exitcode)
"""


def test_a_child_of_multiprocessing_ends_with_events_in_its_queue(tmp_path: Path) -> None:
    """https://github.com/segmentio/analytics-ruby/issues/95: a child that ended in order lost what was queued."""
    run(_CHILD, tmp_path / "out")
    assert stored(tmp_path / "out") == ["of the child"]
