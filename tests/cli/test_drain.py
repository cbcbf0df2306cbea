"""``python -m pixelmw drain``: it empties a spool from outside the server, and prints a summary."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pixelmw.cli.main import main
from pixelmw.cli.progress import ProgressBar
from pixelmw.delivery import Spool
from pixelmw.delivery.disk.dead_letter_store import DeadLetterStore
from pixelmw.delivery.disk.directory import SpoolDirectory
from pixelmw.delivery.disk.drain_lock import DrainLock
from pixelmw.delivery.disk.journal import Journal
from pixelmw.sinks.encoding import encode
from tests.support.command_line import enter_with_module
from tests.support.processes import event, lines, wait_until

# A module of a user's, with a sink in each of the forms that --sink takes.
_MODULE = """
import os
from pixelmw import PixelMiddleware
from pixelmw.delivery import Background, Retry, Spool
from pixelmw.sinks import JSONLines
from pixelmw.sinks.base import Unavailable, Undeliverable

sink = JSONLines("out.jsonl")

def picky(event):
    if event["event"] == "bad":
        raise Undeliverable("not this one")
    sink(event)

def down(event):
    raise Unavailable("nobody there")

picky_spool = Spool("spool", picky, retry=Retry(first=0.01))
background = Background(sink)
application = PixelMiddleware(lambda environ, start_response: [], Spool("spool", sink))
number = 42
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with the module in it."""
    enter_with_module(monkeypatch, tmp_path, "shop", _MODULE)
    monkeypatch.delenv("PIXELMW_SINK", raising=False)
    return tmp_path


def fill(path: Path, *events: dict[str, Any]) -> None:
    """Write a spool as a process that was killed leaves it behind."""
    directory = SpoolDirectory(path)
    directory.prepare()
    journal = Journal(directory, sync=True)
    journal.append([encode(each) for each in events])
    journal.close()


def ids(path: Path) -> list[str]:
    return [each["messageId"] for each in lines(path)]


@pytest.mark.parametrize("name", ["sink", "picky", "picky_spool", "background", "application"])
def test_what_is_left_in_a_spool_reaches_the_sink_that_the_name_leads_to(
    here: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    fill(here / "spool", *(event(str(number)) for number in range(1200)))
    assert main(["drain", "spool", f"--sink=shop:{name}"]) == 0
    assert ids(here / "out.jsonl") == [str(number) for number in range(1200)]
    printed = capsys.readouterr()
    assert re.fullmatch(r"forwarded 1,200 events in \d+\.\d s; nothing is left\n", printed.out)
    assert printed.err == ""  # no bar, since it is no terminal
    assert SpoolDirectory(here / "spool").segments() == []


def test_the_sink_may_stand_in_the_environment(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(here / "spool", event("1"))
    monkeypatch.setenv("PIXELMW_SINK", "shop:sink")
    assert main(["drain", "spool"]) == 0
    assert ids(here / "out.jsonl") == ["1"]


def test_dead_letters_are_kept_and_sent_again_on_request(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(here / "spool", event("1"), {**event("2"), "event": "bad"}, event("3"))
    assert main(["drain", "spool", "--sink=shop:picky_spool"]) == 1
    assert ids(here / "out.jsonl") == ["1", "3"]
    assert "1 became a dead letter" in capsys.readouterr().out

    assert main(["drain", "spool", "--dead", "--sink=shop:picky_spool"]) == 1  # refused again, and kept again
    assert "1 became a dead letter" in capsys.readouterr().out

    assert main(["drain", "spool", "--dead", "--sink=shop:sink"]) == 0
    assert ids(here / "out.jsonl") == ["1", "3", "2"]
    assert SpoolDirectory(here / "spool" / "dead").segments() == []


def test_damage_is_reported(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(here / "spool", event("1"), event("2"), event("3"))
    (segment,) = (here / "spool").glob("*.segment")
    data = segment.read_bytes()
    at = data.index(b'"2"')
    segment.write_bytes(data[:at] + b"?" + data[at + 1 :])
    assert main(["drain", "spool", "--sink=shop:sink"]) == 1
    assert ids(here / "out.jsonl") == ["1", "3"]
    printed = capsys.readouterr().out
    assert "1 was damaged: see quarantine; 1 file with damaged events is in" in printed
    assert "nothing is left" not in printed


def test_a_sink_that_stays_down_is_given_up_at_the_timeout_and_nothing_is_lost(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(here / "spool", event("1"), event("2"))
    assert main(["drain", "spool", "--sink=shop:down", "--timeout=0.3"]) == 1
    assert "forwarded 0 events" in (printed := capsys.readouterr().out)
    assert "2 events are left" in printed
    assert main(["drain", "spool", "--sink=shop:sink"]) == 0
    assert ids(here / "out.jsonl") == ["1", "2"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["spool"], "give --sink MODULE:NAME, or set PIXELMW_SINK"),
        (["spool", "--sink=shop"], "--sink is 'shop': give MODULE:NAME"),
        (["spool", "--sink=shop:nothing"], "has no attribute 'nothing'"),
        (["spool", "--sink=nowhere:sink"], "No module named 'nowhere'"),
        (["spool", "--sink=shop:number"], "that is 42, and no sink"),
        (["spool", "--sink=shop:Spool"], "and no sink"),
        (["missing", "--sink=shop:sink"], "missing is no directory"),
        (["spool", "--dead", "--sink=shop:sink"], "spool holds no dead letters"),
    ],
)
def test_a_mistake_is_reported_in_one_line_and_nothing_is_touched(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    fill(here / "spool", event("1"))
    with pytest.raises(SystemExit) as stopped:
        main(["drain", *arguments])
    assert stopped.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("pixelmw: ")
    assert message in line
    assert len(SpoolDirectory(here / "spool").segments()) == 1


def test_two_do_not_drain_at_once(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(here / "spool", event("1"))
    lock = DrainLock(SpoolDirectory(here / "spool"))
    assert lock.try_take()
    with pytest.raises(SystemExit):
        main(["drain", "spool", "--sink=shop:sink"])
    told = capsys.readouterr().err
    assert f"somebody else is forwarding from {here / 'spool'}: process {os.getpid()} on " in told
    lock.close()
    assert main(["drain", "spool", "--sink=shop:sink"]) == 0


def start(here: Path, *arguments: str, **options: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "pixelmw", "drain", "spool", "--sink=shop:sink", *arguments]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.Popen(command, cwd=here, env=environ, text=True, **options)


def output_of(process: subprocess.Popen[str]) -> str:
    """The output of a drain, which must end with 0."""
    output, errors = process.communicate(timeout=20)
    assert process.returncode == 0, errors
    return output


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_with_follow_it_forwards_what_comes_in_until_it_is_stopped(here: Path, stop: signal.Signals) -> None:
    fill(here / "spool", event("1"))
    process = start(here, "--follow", preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
    wait_until(lambda: (here / "out.jsonl").exists() and ids(here / "out.jsonl") == ["1"])
    fill(here / "spool", event("2"))
    wait_until(lambda: ids(here / "out.jsonl") == ["1", "2"] and not SpoolDirectory(here / "spool").segments())
    process.send_signal(stop)
    assert output_of(process).startswith("forwarded 2 events")


def test_a_terminal_is_shown_a_bar(here: Path) -> None:
    fill(here / "spool", *(event(str(number)) for number in range(700)))
    master, slave = pty.openpty()
    process = start(here, stderr=slave)
    os.close(slave)
    shown = _read_all(lambda: os.read(master, 4096))
    os.close(master)
    assert output_of(process).startswith("forwarded 700 events")
    assert re.search(rb"\r\[#+\.*\] +\d+%  \d+ of 700 events", shown)
    assert shown.endswith(b"\r\x1b[K")


def test_a_bar_shows_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = pty.openpty()
    with os.fdopen(slave, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        with ProgressBar(200) as progress:
            progress.draw(50)
            progress.draw(51)  # too soon after the last one
    shown = _read_all(lambda: os.read(master, 4096))
    os.close(master)
    assert shown == b"\r[########......................]  25%  50 of 200 events\r\x1b[K"


def _read_all(read: Callable[[], bytes]) -> bytes:
    """Everything that comes through a terminal. At the end, reading raises an error: the other side hung up."""
    parts = []
    for _ in range(10_000):
        try:
            parts.append(read())
        except OSError:
            break
    return b"".join(parts)


def test_a_running_server_hands_over_to_drain_when_it_is_stopped(here: Path) -> None:
    with Spool(here / "spool", lambda each: None) as spool:
        spool(event("1"))
        assert spool.flush(20)
    fill(here / "spool", event("2"))
    assert output_of(start(here)).startswith("forwarded 1 event in")
    assert ids(here / "out.jsonl") == ["2"]


def test_a_letter_that_dies_again_is_on_disk_before_the_old_one_goes(here: Path) -> None:
    DeadLetterStore(here / "spool" / "dead")  # it makes no directory before it needs one
    assert not (here / "spool").exists()
    fill(here / "spool", event("1"))
    DeadLetterStore(here / "spool" / "dead").write([{**event("2"), "event": "bad"}])
    (before,) = SpoolDirectory(here / "spool" / "dead").segments()
    assert main(["drain", "spool", "--dead", "--sink=shop:picky"]) == 1
    (after,) = SpoolDirectory(here / "spool" / "dead").segments()
    assert after.writer != before.writer
