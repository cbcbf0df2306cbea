"""Root beside a service of another user's: what root makes there is that user's, and root is not led elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pixelmw import Event
from pixelmw.delivery import Spool
from pixelmw.delivery.disk.directory import SpoolDirectory
from pixelmw.sinks.base import Undeliverable
from tests.support.processes import event
from tests.support.spools import drain, fill, waiting
from tests.support.users import NOBODY, as_another_user, directory_of_another_user

_SINKS = """
from pixelmw.sinks.base import Undeliverable

def sink(event):
    if event["messageId"] == "refused":
        raise Undeliverable("never")
"""


@pytest.fixture
def theirs() -> Iterator[Path]:
    with directory_of_another_user() as directory:
        yield directory


def drain_as_root(directory: Path, *options: str) -> None:
    """``sudo python -m pixelmw drain``."""
    (directory.parent / "sinks.py").write_text(_SINKS)
    command = [sys.executable, "-m", "pixelmw", "drain", str(directory), "--sink", "sinks:sink", *options]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONDONTWRITEBYTECODE": "1"}
    # It ends with 1 if there are dead letters.
    subprocess.run(command, cwd=directory.parent, env=environ, check=False, timeout=60, capture_output=True)


def owners(directory: Path) -> set[int]:
    return {path.lstat().st_uid for path in [directory, *directory.rglob("*")]}


def test_a_drain_under_root_leaves_nothing_that_the_service_cannot_open(theirs: Path) -> None:
    directory = theirs / "spool"
    with as_another_user():
        damaged = fill(directory, ["taken", "refused", "damaged"])
        damaged.write_bytes(damaged.read_bytes()[:-1])
        (directory / "drain.lock").unlink(missing_ok=True)
    drain_as_root(directory)
    assert owners(directory) == {NOBODY}
    assert waiting(directory / "dead") == ["refused"]
    assert len(list((directory / "quarantine").iterdir())) == 1
    events: list[Event] = []

    def sink(each: Event) -> None:
        if each["messageId"] == "refused too":
            raise Undeliverable("never")
        events.append(each)

    with as_another_user(), Spool(directory, sink) as spool:
        spool(event("refused too"))
        spool(event("after"))
        assert spool.flush(20)
        assert spool.stats()["dead_letters"] == 2
    assert [each["messageId"] for each in events] == ["after"]


def test_root_sets_the_mode_of_the_folder_for_dead_letters_back_too(theirs: Path) -> None:
    directory = theirs / "spool"
    with as_another_user():
        fill(directory, ["refused"])
        (directory / "dead").mkdir()
        (directory / "dead").chmod(0o2770)
    drain_as_root(directory)
    assert waiting(directory / "dead") == ["refused"]
    assert owners(directory) == {NOBODY}
    assert (directory / "dead").stat().st_mode & 0o777 == 0o700


def test_a_drain_of_dead_letters_under_root_leaves_those_that_are_refused_again_to_the_service(theirs: Path) -> None:
    directory = theirs / "spool"
    with as_another_user():
        directory.mkdir(mode=0o700)
        fill(directory / "dead", ["refused", "taken"])
    drain_as_root(directory, "--dead")
    assert owners(directory) == {NOBODY}
    assert waiting(directory / "dead") == ["refused"]


def test_a_service_of_roots_gives_what_it_makes_in_a_directory_of_anothers_to_them(theirs: Path) -> None:
    directory = theirs / "spool"
    with as_another_user():
        directory.mkdir(mode=0o700)
    with Spool(directory, lambda each: None) as spool:
        spool(event("stored by root"))
        assert owners(directory) == {NOBODY}
        assert spool.flush(20)
    assert owners(directory) == {NOBODY}


def test_what_is_roots_already_is_told_of_with_the_remedy(theirs: Path, caplog: pytest.LogCaptureFixture) -> None:
    directory = theirs / "spool"
    with as_another_user():
        fill(directory, ["waits"])
    (directory / "drain.lock").touch(mode=0o600)
    with as_another_user(), Spool(directory, lambda each: None) as spool:
        assert not spool.flush(0.5)
    assert f"drain.lock cannot be opened: give it to the owner of {directory}, with mode 0600" in caplog.text


def test_a_folder_for_dead_letters_that_is_roots_is_told_of_with_the_remedy(
    theirs: Path, caplog: pytest.LogCaptureFixture
) -> None:
    directory = theirs / "spool"
    with as_another_user():
        fill(directory, ["refused"])
    (directory / "dead").mkdir(mode=0o700)

    def sink(each: Event) -> None:
        raise Undeliverable("never")

    with as_another_user(), Spool(directory, sink) as spool:
        assert not spool.flush(0.5)
    assert f"dead belongs to another user (number 0): give it to the owner of {directory}" in caplog.text
    assert waiting(directory) == ["refused"]


def test_root_does_not_change_the_mode_of_a_directory_of_anothers(theirs: Path) -> None:
    directory = theirs / "spool"
    directory.mkdir()
    os.chown(directory, NOBODY, NOBODY)
    directory.chmod(0o755)
    with pytest.raises(PermissionError, match="belongs to another user: give it mode 0700"):
        Spool(directory, print)(event("refused"))
    assert directory.stat().st_mode & 0o777 == 0o755


def quarantine_elsewhere(directory: Path, elsewhere: Path) -> None:
    (directory / "quarantine").symlink_to(elsewhere)


def dead_elsewhere(directory: Path, elsewhere: Path) -> None:
    (directory / "dead").symlink_to(elsewhere)


@pytest.mark.parametrize("lead", [quarantine_elsewhere, dead_elsewhere])
def test_a_folder_that_leads_elsewhere_is_not_written_to(
    theirs: Path, tmp_path: Path, lead: Callable[[Path, Path], None]
) -> None:
    directory, elsewhere = theirs / "spool", tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    with as_another_user():
        damaged = fill(directory, ["refused", "damaged"])
        damaged.write_bytes(damaged.read_bytes()[:-1])
        lead(directory, elsewhere)

    def sink(each: Event) -> None:
        raise Undeliverable("never")

    with Spool(directory, sink) as spool:
        assert not spool.flush(0.5)
    assert list(elsewhere.iterdir()) == []
    assert damaged.exists()


def test_a_file_of_roots_under_another_name_is_neither_read_nor_written(theirs: Path) -> None:
    """Where the system lets a user make a hard link to a file that is not theirs."""
    directory, secret = theirs / "spool", theirs / "secret"
    with as_another_user():
        segment = fill(directory, ["stored"])
    secret.write_bytes(b"the password of root")
    secret.chmod(0o600)
    name = SpoolDirectory(directory).segments()[0]
    os.link(secret, directory / name.cursor_name)
    os.link(secret, segment.with_name(segment.name.replace(segment.name[:14], "0" * 14)))
    events: list[Event] = []
    drain(directory, events.append)
    assert [each["messageId"] for each in events] == ["stored"]
    assert secret.read_bytes() == b"the password of root"
    assert secret.stat().st_mode & 0o777 == 0o600
    assert not (directory / "quarantine").exists()


def test_a_directory_that_root_makes_belongs_to_the_owner_of_the_one_around_it(theirs: Path) -> None:
    """As by figures that are asked for under sudo, before the service has begun."""
    (theirs / "link").symlink_to(theirs)
    directory = theirs / "spool"
    assert Spool(theirs / "link" / "spool", print).stats()["queued"] == 0
    assert owners(directory) == {NOBODY}
    assert directory.stat().st_mode & 0o777 == 0o700
    with as_another_user(), Spool(directory, lambda each: None) as spool:
        spool(event("of the service"))
        assert spool.flush(20)


def test_what_is_put_in_the_place_of_a_directory_that_root_makes_is_not_given_away(
    theirs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, make = theirs / "secret", os.mkdir
    secret.mkdir(mode=0o700)
    (secret / "password").touch()

    def make_and_be_too_late(name: str, mode: int, *, dir_fd: int) -> None:
        make(name, mode, dir_fd=dir_fd)
        (theirs / name).rmdir()
        secret.rename(theirs / name)

    monkeypatch.setattr(os, "mkdir", make_and_be_too_late)
    Spool(theirs / "spool", print).stats()
    assert (theirs / "spool").stat().st_uid == 0
