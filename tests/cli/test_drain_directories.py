"""Which directories ``drain`` takes for one of a spool; it leaves nothing in any other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.command_line import Said, enter_with_module, run_here
from tests.support.spools import fill

Drain = Callable[..., Said]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with a module in it that has a sink."""
    enter_with_module(
        monkeypatch, tmp_path, "apps", "from pixelmw.sinks import JSONLines\nsink = JSONLines('out.jsonl')\n"
    )
    return tmp_path


@pytest.fixture
def drain(here: Path, capsys: pytest.CaptureFixture[str]) -> Drain:
    """Runs ``drain`` in this process."""
    return lambda *arguments: run_here(capsys, "drain", *arguments)


@pytest.mark.parametrize(
    "files",
    [
        [],
        ["notes.txt"],
        ["lost+found"],
        ["sites/drain.lock"],
        ["quarantine/virus", "inbox/mail"],
        ["quarantine/virus"],
        ["dead/letter"],
        ["destination/copy", "source/file"],
        ["destination", "source/file"],
        ["drain.lock", "notes.txt"],
        ["drain.lock/folder"],
    ],
)
def test_a_directory_of_no_spool_is_refused_and_nothing_is_left_there(
    here: Path, drain: Drain, files: list[str]
) -> None:
    """Also where the follower would wait for ever."""
    (here / "spoool").mkdir()
    for name in files:
        (here / "spoool" / name).parent.mkdir(exist_ok=True)
        (here / "spoool" / name).write_text("nothing of a spool's")
    before = sorted((here / "spoool").rglob("*"))
    for option in ((), ("--follow",), ("--timeout=3",)):
        said = drain("spoool", "--sink=apps:sink", *option)
        assert (said.code, said.out) == (1, "")
        assert "spoool is the directory of no spool" in said.err
    assert sorted((here / "spoool").rglob("*")) == before


def test_a_spool_that_was_emptied_is_one_still(here: Path, drain: Drain) -> None:
    fill(here / "spool", ["1"])
    for count in ("1 event", "0 events"):
        said = drain("spool", "--sink=apps:sink")
        assert said.code == 0
        assert said.out.startswith(f"forwarded {count} in ")
        assert said.out.endswith("; nothing is left\n")


@pytest.mark.parametrize("besides", [[], ["notes.txt"]])
def test_so_is_one_in_which_only_the_lock_says_which_process_forwarded(
    here: Path, drain: Drain, besides: list[str]
) -> None:
    fill(here / "spool", ["1"])
    assert drain("spool", "--sink=apps:sink").code == 0
    for name in besides:
        (here / "spool" / name).touch()
    assert {each.name for each in (here / "spool").iterdir()} == {"drain.lock", *besides}
    assert drain("spool", "--sink=apps:sink").out.endswith("; nothing is left\n")


@pytest.mark.parametrize("name", ["drain.lock", "destination", "in-flight"])
def test_so_is_one_that_holds_nothing_but_one_file_of_a_spools(here: Path, drain: Drain, name: str) -> None:
    """On a full disk ``drain.lock`` is empty, and a server may end before it forwards."""
    (here / "spool").mkdir(0o700)
    (here / "spool" / "lost+found").mkdir()
    (here / "spool" / name).touch()
    assert drain("spool", "--sink=apps:sink").out.endswith("; nothing is left\n")
