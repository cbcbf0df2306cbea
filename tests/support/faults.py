"""Real faults for the tests of the sinks: each gives a path for a sink, and a context in which the fault lasts."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path

from pixelmw.sinks import JSONLines, SQLite
from tests.support.needs import give_up, need
from tests.support.processes import out, start
from tests.support.users import as_another_user, directory_of_another_user


@cache
def strace() -> str:
    """Return the path of strace; the test is skipped if this process may not use it."""
    path = need("strace")
    if subprocess.run([path, "-qq", "-e", "trace=none", "true"], capture_output=True, check=False).returncode:
        give_up("strace may not trace here")
    return path


Fault = tuple[Path, Callable[[], AbstractContextManager[object]]]

# The alarm ends the process that holds the lock, so that even a sink without a timeout does not wait for ever.
_HOLD_FILE = """
import fcntl, signal, sys
signal.alarm(10)
file = open(sys.argv[1], "a")
fcntl.flock(file, fcntl.LOCK_EX)
print("on", flush=True)
input()
"""
_HOLD_DATABASE = """
import signal, sqlite3, sys
signal.alarm(10)
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute(f"BEGIN {sys.argv[2]}")
print("on", flush=True)
input()
"""


@contextmanager
def locked(directory: Path, name: str) -> Iterator[Fault]:
    """Another process has locked the file."""
    path = directory / name
    yield path, lambda: _held(_HOLD_DATABASE if path.suffix == ".db" else _HOLD_FILE, path, "EXCLUSIVE")


@contextmanager
def being_made(directory: Path, name: str) -> Iterator[Fault]:
    """Another process has begun to write to the new database. SQLite itself does not wait for that."""
    yield directory / name, lambda: _held(_HOLD_DATABASE, directory / name, "IMMEDIATE")


@contextmanager
def _held(script: str, path: Path, mode: str) -> Iterator[None]:
    process = start(script, path, mode)
    try:
        assert out(process).readline() == "on\n"
        yield
    finally:
        process.communicate("\n", timeout=20)


@contextmanager
def full_disk(directory: Path, name: str) -> Iterator[Fault]:
    """There is no room left on the device."""
    volume = directory / "volume"
    volume.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "pixelmw-test", str(volume)]
    if os.geteuid() or not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode:
        give_up("a small file system cannot be mounted here")
    try:
        yield volume / name, lambda: _filled(volume)
    finally:
        # Lazily: the sink may still have the file open, and the test is about to find that out.
        subprocess.run(["umount", "--lazy", volume], check=True)


@contextmanager
def _filled(volume: Path) -> Iterator[None]:
    ballast = volume / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(b"x" * 4096):
            pass
    yield
    ballast.unlink()


@contextmanager
def missing_directory(directory: Path, name: str) -> Iterator[Fault]:
    """The directory is not there."""
    parent, elsewhere = directory / "parent", directory / "elsewhere"
    parent.mkdir()

    @contextmanager
    def lasting() -> Iterator[None]:
        parent.rename(elsewhere)
        yield
        assert not parent.exists()
        elsewhere.rename(parent)

    yield parent / name, lasting


@contextmanager
def read_only_directory(directory: Path, name: str) -> Iterator[Fault]:
    """The user may not create a file there."""
    with _unprivileged() as public:
        path = public / name

        @contextmanager
        def lasting() -> Iterator[None]:
            public.chmod(0o555)
            yield
            public.chmod(0o755)

        yield path, lasting


@contextmanager
def read_only_file(directory: Path, name: str) -> Iterator[Fault]:
    """The file and its directory are there, and the user may not write to either."""
    with _unprivileged() as public:
        path = public / name

        @contextmanager
        def lasting() -> Iterator[None]:
            with ExitStack() as undo:
                if path.suffix == ".db":
                    with SQLite(path):
                        pass
                path.touch()
                for place in (path, public):
                    undo.callback(place.chmod, place.stat().st_mode)
                    place.chmod(0o555)
                yield

        yield path, lasting


@contextmanager
def _unprivileged() -> Iterator[Path]:
    """Make a directory that belongs to a user who is not root, and run the process as that user within the block."""
    if os.geteuid():
        with tempfile.TemporaryDirectory() as public:
            yield Path(public)
    else:
        with directory_of_another_user() as theirs, as_another_user():
            yield theirs


@contextmanager
def not_a_file(directory: Path, name: str) -> Iterator[Fault]:
    """The path leads to something else: a directory, or a file that is not a database."""
    path = directory / name

    @contextmanager
    def lasting() -> Iterator[None]:
        if path.suffix != ".db":
            path.mkdir()
            yield
            path.rmdir()
        else:
            path.write_bytes(b"This is a text, and no database. " * 40)
            yield
            path.unlink()

    yield path, lasting


@contextmanager
def file_size_limit(directory: Path, name: str) -> Iterator[Fault]:
    """A file may grow by a few bytes only, so that a longer write is cut short."""
    path = directory / name

    @contextmanager
    def lasting() -> Iterator[None]:
        path.touch()
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 100, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    yield path, lasting


TIMEOUT = 0.2


def open_sink(path: Path) -> JSONLines | SQLite:
    return (SQLite if path.suffix == ".db" else JSONLines)(path, timeout=TIMEOUT)
