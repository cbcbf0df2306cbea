"""What stands where a spool's directory should be: only one of our own is used, and it may come and go."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pixelmw import Event
from pixelmw.delivery import Spool
from tests.support.pixel import Pixel
from tests.support.processes import event, wait_until
from tests.support.spools import descriptors, drain, fill


def test_a_directory_that_is_moved_away_and_back_is_waited_for(tmp_path: Path) -> None:
    directory, elsewhere = tmp_path / "spool", tmp_path / "elsewhere"
    events: list[Event] = []
    with Spool(directory, events.append) as spool:
        spool(event("before"))
        assert spool.flush(10)
        directory.rename(elsewhere)
        for name in ("refused", "refused again"):
            with pytest.raises(FileNotFoundError):
                spool(event(name))
        assert not directory.exists()
        fill(elsewhere, ["put there meanwhile"])
        elsewhere.rename(directory)
        spool(event("after"))
        assert spool.flush(10)
    assert [each["messageId"] for each in events] in (
        ["before", "put there meanwhile", "after"],
        ["before", "after", "put there meanwhile"],  # stored in the same millisecond
    )


def delete(directory: Path) -> None:
    """Delete a directory in which threads may still make files."""
    while directory.exists():
        shutil.rmtree(directory, ignore_errors=True)


@pytest.mark.parametrize("what", ["all of it", "its files"])
def test_a_directory_that_is_deleted_is_gone_until_somebody_makes_it_again(tmp_path: Path, what: str) -> None:
    directory = tmp_path / "spool"
    events: list[Event] = []
    with Spool(directory, events.append) as spool, Spool(directory, events.append) as second:
        spool(event("before"))
        assert spool.flush(10)
        delete(directory)
        if what == "all of it":
            with pytest.raises(FileNotFoundError):
                spool(event("refused"))
        directory.mkdir(mode=0o700)
        wait_until(lambda: not any(path.endswith("drain.lock (deleted)") for path in descriptors(directory)))
        for number in range(40):
            (spool, second)[number % 2](event(f"after-{number}"))
        assert spool.flush(10)
        assert second.flush(10)
    assert sorted(each["messageId"] for each in events) == sorted(["before", *(f"after-{n}" for n in range(40))])


def wide_open(path: Path) -> None:
    path.mkdir()
    path.chmod(0o755)
    (path / "somebody else's").touch()


def link(path: Path) -> None:
    path.with_name("real").mkdir(mode=0o700)
    path.symlink_to(path.with_name("real"))


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (
            wide_open,
            PermissionError,
            "has mode 0755, and is to hold data about visitors beside other things: name a folder inside",
        ),
        (link, NotADirectoryError, "is not a directory"),
        (lambda path: path.symlink_to("nowhere"), NotADirectoryError, "is not a directory"),
        (Path.touch, NotADirectoryError, "is not a directory"),
    ],
    ids=["a directory for everybody", "a link to a directory", "a link to nowhere", "a file"],
)
def test_what_is_no_directory_of_our_own_is_refused_until_it_is(
    tmp_path: Path, make: Callable[[Path], None], error: type[OSError], words: str
) -> None:
    path = tmp_path / "spool"
    make(path)
    spool = Spool(path, lambda event: None)
    with pytest.raises(error, match=f"{path} {words}"), spool:
        pass
    pixel = Pixel(sink=spool)
    assert pixel.get("/pixel/v1/track", "writeKey=k&anonymousId=a&event=e").status_code == 503
    if path.is_dir() and not path.is_symlink():
        path.chmod(0o700)
    else:
        path.unlink()
    assert pixel.get("/pixel/v1/track", "writeKey=k&anonymousId=a&event=e").status_code == 200
    spool.close()


def test_a_segment_that_is_a_link_is_not_followed_and_keeps_nothing_waiting(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    foreign = fill(tmp_path / "elsewhere", ["foreign"])
    segment = fill(tmp_path / "spool", ["ours"])
    planted = segment.with_name(segment.name.replace(segment.name[:14], "0" * 14))
    planted.symlink_to(foreign)
    found: list[Event] = []
    drain(tmp_path / "spool", found.append)
    assert [each["messageId"] for each in found] == ["ours"]
    assert planted.is_symlink()
    assert foreign.exists()
    assert f"{planted.name} cannot be read now" in caplog.text
