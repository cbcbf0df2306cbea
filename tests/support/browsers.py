"""A real browser without a window: what it makes of a page, as text or as a picture."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import IO

from tests.support.needs import need

TIMEOUT = 60.0  # seconds for one page
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # The page is read once its scripts have nothing left to wait for, not at its load event.
    "--virtual-time-budget=10000",
)


def page_text(url: str, directory: Path, *options: str, timeout: float = TIMEOUT) -> str:
    """The page at *url*, as it is once its scripts are done. What the browser writes stays in *directory*."""
    with (directory / "dom.html").open("w+b") as dom, (directory / "errors.log").open("w+b") as errors:
        _run(directory, [*options, "--dump-dom", url], dom, errors, timeout)
    return (directory / "dom.html").read_text()


def screenshot(url: str, file: Path, size: str = "400,300") -> bytes:
    """The page at *url* as a PNG, which is also kept in *file*."""
    options = ["--hide-scrollbars", f"--window-size={size}", f"--screenshot={file}", url]
    _run(file.parent, options, subprocess.DEVNULL, subprocess.DEVNULL, TIMEOUT)
    return file.read_bytes()


def _run(directory: Path, options: list[str], output: int | IO[bytes], errors: int | IO[bytes], timeout: float) -> None:
    """Run the browser to its end, with a profile of its own in *directory*."""
    browser = need("chromium", "chromium-browser", "google-chrome")
    process = subprocess.Popen(
        [browser, *FLAGS, f"--user-data-dir={directory / 'profile'}", *options],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=errors,
        env=os.environ | {"HOME": str(directory)},
        start_new_session=True,
    )
    try:
        process.wait(timeout)
        assert process.returncode == 0
    finally:
        with suppress(ProcessLookupError):  # its helpers are in its process group, and it leads no other
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
