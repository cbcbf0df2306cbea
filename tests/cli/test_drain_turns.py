"""``drain`` has its turn only as long as no other process has it, and takes it from a process that is stopped."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pixelmw.cli import drain as command
from pixelmw.delivery.disk import drain_lock
from pixelmw.delivery.disk.directory import SpoolDirectory
from pixelmw.delivery.disk.drain_lock import DrainLock
from tests.support.command_line import TIMEOUT, run_here, started
from tests.support.processes import stored, wait_until
from tests.support.spools import fill, waiting

# Stores one event after another, each as soon as the test has made a file with its number, and says when it is called.
_MODULE = """
import time
from pathlib import Path
from pixelmw.sinks import JSONLines

good = JSONLines("out.jsonl")
calls = 0

def slow(event):
    global calls
    calls += 1
    Path(f"called-{calls}").touch()
    while not Path(f"go-{calls}").exists():
        time.sleep(0.002)
    good(event)
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with the module and a spool of three segments in it."""
    (tmp_path / "shop_of_turns.py").write_text(_MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "shop_of_turns", raising=False)
    for each in ("1", "2", "3"):
        fill(tmp_path / "spool", [each])
    return tmp_path


def ended(process: subprocess.Popen[str]) -> str:
    """What a drain printed that ended with 1, and without an error."""
    output, errors = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, errors) == (1, "")
    return output


def take_over(directory: Path) -> DrainLock:
    """Take the drain lock from a process that is stopped."""
    lock = DrainLock(SpoolDirectory(directory))
    wait_until(lock.try_take)
    return lock


@pytest.mark.slow
@pytest.mark.parametrize("options", [[], ["--follow"]], ids=["once", "follow"])
def test_who_was_stopped_while_another_process_took_over_sends_no_more_than_the_batch_that_it_was_at(
    shop: Path, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    monkeypatch.setattr(drain_lock, "LAPSE", 2.0)
    (shop / "batches.py").write_text(
        "import shop_of_turns\nfrom pixelmw.delivery import Spool\n"
        "spool = Spool('spool', shop_of_turns.slow, max_batch=1)\n"
    )
    with started(shop, "drain", "spool", "--sink=batches:spool", *options) as process:
        wait_until((shop / "called-1").exists)
        process.send_signal(signal.SIGSTOP)
        lock = take_over(shop / "spool")
        try:
            for number in range(1, 4):
                (shop / f"go-{number}").touch()
            process.send_signal(signal.SIGCONT)
            output = ended(process)
        finally:
            lock.close()
    assert output.startswith("forwarded 1 event in ")
    assert f"; lost its turn: {shop / 'spool' / 'drain.lock'} is another file now" in output
    assert output.endswith("; 2 events are left\n")
    (sent,) = stored(shop / "out.jsonl")
    assert sorted([sent, *waiting(shop / "spool")]) == ["1", "2", "3"]


def _rename(directory: Path) -> None:
    directory.rename(directory.with_name("elsewhere"))


def _replace(directory: Path) -> None:
    _rename(directory)
    fill(directory, ["other"])


@pytest.mark.slow
@pytest.mark.parametrize("change", [_rename, shutil.rmtree, _replace])
def test_a_directory_that_is_moved_in_mid_run_is_told_of_and_nothing_is_said_to_be_done(
    shop: Path, change: Callable[[Path], object]
) -> None:
    with started(shop, "drain", "spool", "--sink=shop_of_turns:slow") as process:
        wait_until((shop / "called-1").exists)
        change(shop / "spool")
        for number in range(1, 4):
            (shop / f"go-{number}").touch()
        output = ended(process)
    assert "; lost its turn: " in output
    assert "the directory was renamed, deleted or replaced" in output
    assert "nothing is left" not in output
    if change is _replace:
        assert waiting(shop / "spool") == ["other"]


@pytest.mark.slow
@pytest.mark.parametrize("options", [[], ["--timeout=20"]], ids=["never", "timeout"])
def test_drain_takes_over_from_a_process_that_is_stopped(
    shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    monkeypatch.setattr(drain_lock, "LAPSE", 2.0)
    monkeypatch.setattr(command, "LAPSE", 2.0)
    with started(shop, "drain", "spool", "--sink=shop_of_turns:slow") as stopped:
        wait_until((shop / "called-1").exists)
        os.kill(stopped.pid, signal.SIGSTOP)
        said = run_here(capsys, "drain", "spool", "--sink=shop_of_turns:good", *options)
    assert said.code == 0
    assert said.out.endswith("; nothing is left\n")
    assert sorted(stored(shop / "out.jsonl")) == ["1", "2", "3"]


def test_a_timeout_that_is_too_short_for_that_is_kept(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with started(shop, "drain", "spool", "--sink=shop_of_turns:slow") as stopped:
        wait_until((shop / "called-1").exists)
        os.kill(stopped.pid, signal.SIGSTOP)
        said = run_here(capsys, "drain", "spool", "--sink=shop_of_turns:good", "--timeout=0.3")
    assert (said.code, said.out) == (1, "")
    assert f"somebody else is forwarding from {shop / 'spool'}: process {stopped.pid} on" in said.err
    assert sorted(waiting(shop / "spool")) == ["1", "2", "3"]
