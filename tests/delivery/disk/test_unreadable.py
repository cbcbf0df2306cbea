"""A folder for dead letters or quarantine that cannot be read: it is left alone and not counted, and figures go on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pixelmw import Event
from pixelmw.cli.drain import drain
from pixelmw.delivery import Spool
from tests.support.processes import event
from tests.support.spools import fill
from tests.support.users import NOBODY, as_another_user, directory_of_another_user


@pytest.fixture
def theirs() -> Iterator[Path]:
    with directory_of_another_user() as directory:
        yield directory


def of_roots(path: Path) -> None:
    path.mkdir(mode=0o700)


def with_no_mode(path: Path) -> None:
    path.mkdir(mode=0)
    os.chown(path, NOBODY, NOBODY)


def a_file(path: Path) -> None:
    path.touch()


def a_link(path: Path) -> None:
    path.symlink_to("/tmp")


def arrives(event: Event) -> None:
    """The sink that ``drain`` is told of."""


UNREADABLE = pytest.mark.parametrize("make", [of_roots, with_no_mode, a_file, a_link])
FOLDERS = pytest.mark.parametrize("folder", ["dead", "quarantine"])


@UNREADABLE
@FOLDERS
def test_figures_go_on_and_it_is_told_once(
    theirs: Path, folder: str, make: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    directory = theirs / "spool"
    with as_another_user():
        fill(directory, ["waits"])
    make(directory / folder)
    with as_another_user(), Spool(directory, lambda each: None) as spool:
        spool(event("new"))
        assert spool.flush(20)
        for _ in range(2):
            figures = spool.stats()
            assert (figures["queued"], figures["dead_letters"], figures["dead_bytes"]) == (0, 0, 0)
    told = [message for message in caplog.messages if "cannot be read now; it stays where it is" in message]
    assert [message.split()[0] for message in told] == [str(directory / folder)]


@UNREADABLE
@FOLDERS
def test_drain_forwards_and_names_what_it_cannot_read(
    theirs: Path,
    folder: str,
    make: Callable[[Path], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    directory = theirs / "spool"
    with as_another_user():
        fill(directory, ["waits"])
    make(directory / folder)
    with as_another_user():
        assert drain(str(directory), f"{__name__}:{arrives.__name__}", timeout=20) == 1
    said = capsys.readouterr().out
    assert "forwarded 1 event " in said
    assert f"cannot read {directory / folder}" in said
