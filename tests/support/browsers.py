"""A real browser without a window, for pages that are looked at."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from tests.support.needs import need

TIMEOUT = 60.0  # seconds for one page


def screenshot(url: str, file: Path, size: str = "400,300") -> bytes:
    """The page at *url* as a PNG, which is also kept in *file*."""
    command = [
        need("chromium", "chromium-browser", "google-chrome"),
        *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
        *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
        *(f"--window-size={size}", "--virtual-time-budget=5000", f"--screenshot={file}"),
        f"--user-data-dir={file.with_suffix('.profile')}",
        url,
    ]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"HOME": str(file.parent)},
        start_new_session=True,
    )
    try:
        process.wait(TIMEOUT)
    finally:
        with suppress(ProcessLookupError):  # its helpers are in its process group, and it leads no other
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return file.read_bytes()
