"""What a platform makes of a spool's directory: a volume with lost+found, modes of its own at each start."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pixelmw import Event
from pixelmw.delivery import Spool
from pixelmw.sinks.base import Undeliverable
from tests.support.processes import event
from tests.support.spools import fill, volume, waiting
from tests.support.users import NOBODY, as_another_user, directory_of_another_user


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def refuse(each: Event) -> None:
    raise Undeliverable("never")


def modes_set(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "it has mode 0700 now" in record.getMessage()]


@pytest.fixture
def theirs() -> Iterator[Path]:
    with directory_of_another_user() as directory:
        yield directory


def test_the_root_of_a_volume_of_its_own_is_a_spool(theirs: Path) -> None:
    """A new ext4 has a folder lost+found, into which only root may look."""
    events: list[Event] = []
    with volume(theirs) as made:
        os.chown(made.path, NOBODY, NOBODY)
        made.path.chmod(0o2775)
        with as_another_user(), Spool(made.path, events.append) as spool:
            spool(event("stored"))
            assert spool.flush(10)
            stats = spool.stats()
        assert (stats["queued"], stats["bytes"], stats["dead_bytes"]) == (0, 0, 0)
        assert [each["messageId"] for each in events] == ["stored"]
        assert mode_of(made.path) == 0o700
        assert (made.path / "lost+found").is_dir()


@pytest.mark.parametrize("mode", [0o755, 0o777, 0o2770, 0o2775, 0o500], ids=oct)
def test_a_mode_that_a_platform_sets_between_two_starts_is_set_back_and_told_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: int
) -> None:
    directory = tmp_path / "spool"
    damaged = fill(directory, ["refused", "damaged"])
    damaged.write_bytes(damaged.read_bytes()[:-1])
    with Spool(directory, refuse, name="events") as spool:
        assert spool.flush(10)
    assert {"dead", "quarantine", "drain.lock", "destination"} <= {path.name for path in directory.iterdir()}
    (directory / "lost+found").mkdir()
    fill(directory, ["left by a dead process"])
    caplog.clear()
    for path in directory.rglob("*"):
        path.chmod(path.stat().st_mode | 0o660)
    directory.chmod(mode)
    events: list[Event] = []
    with Spool(directory, events.append, name="events") as spool:
        spool(event("new"))
        assert spool.flush(10)
    assert mode_of(directory) == 0o700
    assert sorted(each["messageId"] for each in events) == ["left by a dead process", "new"]
    with Spool(directory, events.append, name="events") as spool:
        spool(event("newer"))
    assert modes_set(caplog) == [
        f"{directory} had mode {mode:04o}, and holds data about visitors: it has mode 0700 now"
    ]
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def with_a_file(path: Path) -> None:
    (path / "notes.txt").touch()


def with_a_folder(path: Path) -> None:
    (path / "another application").mkdir()


def for_temporary_files(path: Path) -> None:
    path.chmod(0o1777)


@pytest.mark.parametrize("make", [with_a_file, with_a_folder, for_temporary_files])
def test_a_directory_that_others_may_use_is_not_closed_to_them(tmp_path: Path, make: Callable[[Path], None]) -> None:
    directory = tmp_path / "shared"
    directory.mkdir()
    directory.chmod(0o777)
    make(directory)
    before = mode_of(directory)
    with pytest.raises(PermissionError, match="beside other things: name a folder inside it; it is made"):
        Spool(directory, print)(event("refused"))
    with Spool(directory / "inside", lambda each: None) as spool:
        spool(event("taken"))
    assert mode_of(directory) == before
    assert mode_of(directory / "inside") == 0o700


def test_the_mode_of_the_folder_for_dead_letters_is_set_back_too(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    directory = tmp_path / "spool"
    fill(directory, ["refused"])
    (directory / "dead").mkdir()
    (directory / "dead").chmod(0o2770)

    with Spool(directory, refuse) as spool:
        assert spool.flush(10)
    assert waiting(directory / "dead") == ["refused"]
    assert mode_of(directory / "dead") == 0o700
    assert len(modes_set(caplog)) == 1


def test_a_directory_of_another_user_is_refused_with_the_remedy(theirs: Path) -> None:
    directory = theirs / "volume"
    directory.mkdir(mode=0o2770)
    os.chown(directory, 0, NOBODY)  # as a platform mounts a volume for a group
    directory.chmod(0o2770)
    with as_another_user():
        with pytest.raises(PermissionError, match=r"belongs to another user .* name a folder inside it; it is made"):
            Spool(directory, print)(event("refused"))
        with Spool(directory / "inside", lambda each: None) as spool:
            spool(event("taken"))
    assert (directory / "inside").stat().st_uid == NOBODY
    assert mode_of(directory) == 0o2770


@pytest.mark.parametrize("mode", [0o000, 0o300], ids=oct)
def test_a_directory_of_our_own_that_we_may_not_look_into_is_refused_with_the_remedy(theirs: Path, mode: int) -> None:
    directory = theirs / "spool"
    directory.mkdir()
    os.chown(directory, NOBODY, NOBODY)
    directory.chmod(mode)
    spool = Spool(directory, lambda each: None)
    told = f"{directory} has mode {mode:04o}, and cannot be used: give it mode 0700"
    with as_another_user():
        with pytest.raises(PermissionError, match=told):
            spool(event("refused"))
        directory.chmod(0o700)
        spool(event("taken"))
        spool.close()
