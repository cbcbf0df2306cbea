"""Runs the real command line, in this process or in one of its own."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

import pytest

from pixelmw.cli.main import main
from tests.support.measured import measured_environment

TIMEOUT = 30.0  # seconds for anything that a command may keep us waiting for
ROOT = Path(__file__).parents[2]


class Said(NamedTuple):
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


def enter_with_module(monkeypatch: pytest.MonkeyPatch, directory: Path, name: str, text: str) -> None:
    """Make *directory* the current one, with a module of this *name* in it, until the end of the test."""
    (directory / f"{name}.py").write_text(text)
    monkeypatch.chdir(directory)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.delitem(sys.modules, name, raising=False)


def run_here(capsys: pytest.CaptureFixture[str], *arguments: str) -> Said:
    """Run a command in this process."""
    try:
        code = main(arguments)
    except SystemExit as ended:
        code = int(ended.code or 0)
    printed = capsys.readouterr()
    return Said(code, printed.out, printed.err)


def run_with_reader(
    monkeypatch: pytest.MonkeyPatch, read: Callable[[IO[str]], object], *arguments: str, encoding: str = "utf-8"
) -> int:
    """Run a command in this process, whose standard output *read* gets in a thread; when it returns, nobody reads on.

    :returns: the exit code.
    """
    ends, faults = os.pipe(), []

    def read_to_its_end() -> None:
        with os.fdopen(ends[0], encoding="utf-8") as stream:
            try:
                read(stream)
            except BaseException as fault:
                faults.append(fault)

    reader = threading.Thread(target=read_to_its_end)
    reader.start()
    with os.fdopen(ends[1], "w", encoding=encoding) as stream, monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", stream)
        code = main(arguments)
    reader.join(TIMEOUT)
    for fault in faults:
        raise fault
    return code


def environment(directory: Path, **variables: str) -> dict[str, str]:
    """That of a process of its own, which finds the package, and the modules in *directory*."""
    path = os.pathsep.join([str(directory), str(ROOT), *filter(None, sys.path)])
    return {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", **variables}


def run(directory: Path, *arguments: str, given: bytes = b"", **variables: str) -> Said:
    """Run a command to its end in a process of its own, which is measured as the tests are."""
    command = [sys.executable, "-W", "error", "-m", "pixelmw", *arguments]
    ended = subprocess.run(
        command,
        cwd=directory,
        input=given,
        capture_output=True,
        timeout=TIMEOUT,
        env=environment(directory, **measured_environment(), **variables),
    )
    return Said(ended.returncode, ended.stdout.decode("utf-8", "replace"), ended.stderr.decode("utf-8", "replace"))


@contextmanager
def started(
    directory: Path, *arguments: str, variables: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """A command in a process of its own, which is ended in the end."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # what ignores it here is ignored there
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "pixelmw", *arguments],
            cwd=directory,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(directory, **(variables or {})),
        )
    finally:
        signal.signal(signal.SIGINT, before)
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=TIMEOUT)


@contextmanager
def serving(directory: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """``serve`` on a free port; gives its process and its address."""
    with started(directory, "serve", "--port", "0", *options) as process:
        stream = process.stderr if "--json" in options else process.stdout
        assert stream is not None
        found = re.search(r"http://\S+:\d+", stream.readline())
        assert found, process.communicate(timeout=TIMEOUT)
        yield process, found[0]


def fetch(url: str, **headers: str) -> tuple[int, str]:
    """The status and the text of a GET; a header's name has an underscore where it has a dash."""
    request = urllib.request.Request(url, headers={name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
            return response.status, response.read().decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode("utf-8", "replace")


def on_terminal(directory: Path, *arguments: str, **variables: str) -> str:
    """What a command prints on a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "pixelmw", *arguments],
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env=environment(directory, **{"TERM": "xterm", "NO_COLOR": "", **variables}),
    )
    os.close(theirs)
    printed = b""
    try:
        while part := os.read(ours, 65536):
            printed += part
    except OSError:  # on Linux, a terminal ends with an error once nobody writes to it any more
        pass
    finally:
        os.close(ours)
        process.wait(TIMEOUT)
    return printed.decode("utf-8", "replace")
