"""File systems that do not keep the modes of files: seals never hold there, and no acknowledged event is lost."""

from __future__ import annotations

import logging
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pixelmw.delivery import Retry, Spool
from tests.support import seals
from tests.support.faults import strace
from tests.support.needs import give_up, need
from tests.support.processes import event, lines, run, wait_until
from tests.support.seals import Sink, Writer
from tests.support.spools import report, scale, waiting

writer = seals.writer

_MANY = """
import os, sys, threading
from pathlib import Path
from pixelmw.delivery import Spool
from pixelmw.sinks import JSONLines
from tests.support.processes import event

directory = Path(sys.argv[1])
spool = Spool(directory / "spool", JSONLines(directory / "forwarded", sync=False))

def store(thread):
    for number in range(int(sys.argv[2])):
        spool(event(f"{thread}-{number}"))
        os.write(1, f"{thread}-{number}\\n".encode())

threads = [threading.Thread(target=store, args=[thread]) for thread in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert spool.flush(30)
assert spool.stats()["queued"] == 0
os._exit(0)
"""


def check_many(directory: Path, under: list[str]) -> None:
    """Store events from four threads while they are forwarded; each that is acknowledged arrives, once and in order."""
    each = scale(100, 1000)
    acknowledged = run(_MANY, directory, each, under=under)
    forwarded = [line["messageId"] for line in lines(directory / "forwarded")]
    report("modes not kept", acknowledged=len(acknowledged), lost=len({*acknowledged} - {*forwarded}))
    assert sorted(forwarded) == sorted(acknowledged)
    assert len(forwarded) == 4 * each
    for thread in range(4):
        assert [n for n in forwarded if n.startswith(f"{thread}-")] == [f"{thread}-{n}" for n in range(each)]


@pytest.mark.parametrize("answer", ["retval=0", "error=EPERM", "error=EOPNOTSUPP", "error=ENOSYS"])
def test_an_fchmod_that_does_nothing_loses_nothing(tmp_path: Path, answer: str) -> None:
    trace = tmp_path / "trace"
    check_many(
        tmp_path, [strace(), "-f", "-qq", "-o", str(trace), "-e", "trace=fchmod", "-e", f"inject=fchmod:{answer}"]
    )
    assert "(INJECTED)" in trace.read_text()


@pytest.fixture(params=["--chmod-ignore", "--chmod-deny"])
def modeless(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A directory of a real file system, in user space, that ignores or refuses each change of a mode."""
    behind, mounted = tmp_path / "behind", tmp_path / "mounted"
    behind.mkdir()
    mounted.mkdir()
    mounting = subprocess.run([need("bindfs"), request.param, behind, mounted], capture_output=True, check=False)
    if mounting.returncode:
        give_up("a file system in user space cannot be mounted here")
    try:
        yield mounted
    finally:
        subprocess.run(["umount", "--lazy", mounted], check=True)


def test_a_file_system_without_modes_loses_nothing(modeless: Path) -> None:
    check_many(modeless, [])


def test_a_file_system_without_modes_is_told_of_once(
    modeless: Path, writer: Writer, caplog: pytest.LogCaptureFixture
) -> None:
    directory, sink = modeless / "spool", Sink()
    with Spool(directory, sink, retry=Retry(cap=0.1)) as spool:
        for number in range(3):
            sink.is_down = True
            writer.store(directory, f"{number}")
            called = sink.calls
            wait_until(lambda: sink.calls > called)  # noqa: B023 - it is waited for at once
            writer.store(directory, f"{number}-late")
            sink.is_down = False
            assert spool.flush(20)
        assert waiting(directory) == []
    assert sink.ids == ["0", "0-late", "1", "1-late", "2", "2-late"]
    told = [record for record in caplog.records if "does not keep the modes of files" in record.getMessage()]
    assert [record.levelno for record in told] == [logging.WARNING]


def test_a_mode_that_the_file_system_does_not_let_us_set_is_refused_with_the_remedy(modeless: Path) -> None:
    modeless.with_name("behind").chmod(0o755)
    try:
        os.chmod(modeless, 0o700)  # noqa: PTH101 - where it is refused, not ignored
    except PermissionError:
        told = (
            "has mode 0755, .* that cannot be changed: mount it with mode 0700, or name a folder inside it; it is made"
        )
        with pytest.raises(PermissionError, match=told):
            Spool(modeless, print)(event("refused"))
    with Spool(modeless / "inside", lambda each: None) as spool:
        spool(event("taken"))
        assert spool.flush(20)
