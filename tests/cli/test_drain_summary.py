"""The last line of ``drain`` names what is left, and its exit code says that there is something."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pixelmw.delivery.disk.directory import SpoolDirectory
from pixelmw.delivery.disk.quarantine import Quarantine
from tests.support.command_line import Said, enter_with_module, run_here
from tests.support.processes import lines
from tests.support.spools import fill

_MODULE = """
from pixelmw.sinks import JSONLines, Undeliverable

sink = JSONLines("out.jsonl")


def picky(event):
    if event["messageId"].startswith("bad"):
        raise Undeliverable("not this one")
    sink(event)
"""

Drain = Callable[..., Said]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with the module in it."""
    enter_with_module(monkeypatch, tmp_path, "apps", _MODULE)
    return tmp_path


@pytest.fixture
def drain(here: Path, capsys: pytest.CaptureFixture[str]) -> Drain:
    """Runs ``drain`` in this process."""
    return lambda *arguments: run_here(capsys, "drain", *arguments)


def test_dead_letters_are_named_and_the_exit_code_says_that_there_are_some(here: Path, drain: Drain) -> None:
    fill(here / "spool", ["1", "bad1", "bad2", "2"])
    said = drain("spool", "--sink=apps:picky")
    assert said.code == 1
    assert "forwarded 2 events" in said.out
    assert "2 became dead letters; 2 dead letters wait in" in said.out
    assert "--dead sends them again" in said.out
    assert "nothing is left" not in said.out
    said = drain("spool", "--sink=apps:picky")
    assert said.code == 1
    assert "2 dead letters wait in" in said.out
    said = drain("spool", "--sink=apps:sink", "--dead")
    assert (said.code, "nothing is left" in said.out) == (0, True)
    assert drain("spool", "--sink=apps:picky").code == 0
    assert [each["messageId"] for each in lines(here / "out.jsonl")] == ["1", "2", "bad1", "bad2"]


def test_what_was_damaged_long_ago_is_named(here: Path, drain: Drain) -> None:
    fill(here / "spool", ["1"])
    directory = SpoolDirectory(here / "spool")
    Quarantine(directory).keep(directory.segments()[0], 7, b"?")
    said = drain("spool", "--sink=apps:sink")
    assert said.code == 1
    assert "1 file with damaged events is in" in said.out
    assert f"{here / 'spool' / 'quarantine'}" in said.out


def test_what_somebody_else_put_into_quarantine_is_no_damage(here: Path, drain: Drain) -> None:
    fill(here / "spool", ["1"])
    (here / "spool" / "quarantine" / "lost+found").mkdir(parents=True)
    (here / "spool" / "quarantine" / ".snapshot").mkdir()
    (here / "spool" / "quarantine" / "notes.txt").touch()
    said = drain("spool", "--sink=apps:sink")
    assert (said.code, said.out.endswith("; nothing is left\n")) == (0, True)
