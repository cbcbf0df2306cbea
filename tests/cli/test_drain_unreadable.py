"""What ``drain`` cannot read is left, its last line names it, and the exit code is 1."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pixelmw.delivery.disk.dead_letter_store import DeadLetterStore
from tests.support.command_line import run_here
from tests.support.processes import event, stored
from tests.support.spools import fill
from tests.support.users import as_another_user, directory_of_another_user


@pytest.fixture
def theirs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current directory, of another user, who runs the tests; with a sink's module in it."""
    with directory_of_another_user() as directory:
        (directory / "their_shop.py").write_text(
            "from pixelmw.sinks import JSONLines\nsink = JSONLines('out.jsonl', sync=False)\n"
        )
        monkeypatch.chdir(directory)
        monkeypatch.setattr(sys, "path", sys.path.copy())
        monkeypatch.delitem(sys.modules, "their_shop", raising=False)
        with as_another_user():
            yield directory


def give_to_root(path: Path) -> None:
    """As ``sudo cp`` from a backup leaves a file."""
    os.seteuid(0)
    os.chown(path, 0, 0)
    os.seteuid(path.parent.stat().st_uid)


def test_segments_are_named_and_the_others_are_forwarded(theirs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    of_roots = [fill(theirs / "spool", [f"root's {number}"]) for number in range(5)]
    fill(theirs / "spool", ["ours"])
    for each in of_roots:
        give_to_root(each)
    said = run_here(capsys, "drain", "spool", "--sink=their_shop:sink")
    assert said.code == 1
    first, second, third = sorted(of_roots)[:3]
    assert said.out.startswith("forwarded 1 event in ")
    assert said.out.endswith(f"; cannot read {first}, {second}, {third} and 2 more\n")
    assert stored(theirs / "out.jsonl") == ["ours"]
    assert all(each.exists() for each in of_roots)


@pytest.mark.parametrize("folder", ["dead", "quarantine"])
def test_so_are_folders(theirs: Path, capsys: pytest.CaptureFixture[str], folder: str) -> None:
    fill(theirs / "spool", ["1"])
    (theirs / "spool" / folder).mkdir(0o700)
    give_to_root(theirs / "spool" / folder)
    said = run_here(capsys, "drain", "spool", "--sink=their_shop:sink")
    assert said.code == 1
    assert said.out.endswith(f"; cannot read {theirs / 'spool' / folder}\n")
    assert stored(theirs / "out.jsonl") == ["1"]


def test_so_is_a_dead_letter(theirs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(theirs / "spool", ["1"])
    letters = DeadLetterStore(theirs / "spool" / "dead")
    letters.write([event("letter")])
    letters.close()
    (letter,) = (theirs / "spool" / "dead").glob("*.segment")
    give_to_root(letter)
    for options in ([], ["--dead"]):
        said = run_here(capsys, "drain", "spool", "--sink=their_shop:sink", *options)
        assert said.code == 1
        assert said.out.endswith(f"; cannot read {letter}\n")
