"""Tabs of a real browser that nothing but the browser shows and hides."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.browsers import FLAGS
from tests.support.needs import need
from tests.support.processes import wait_until


class Tabs:
    """The tabs of a browser, of which one is in front. Playwright keeps all of its pages in front.

    :param port: that of the browser's DevTools.
    """

    def __init__(self, port: int) -> None:
        self._port = port

    def open(self, url: str) -> str:
        """Open *url* in a tab in front; gives the tab's id."""
        found: str = json.loads(self._ask(f"/json/new?{url}", "PUT"))["id"]
        return found

    def show(self, tab: str) -> None:
        """Bring *tab* to the front."""
        self._ask(f"/json/activate/{tab}", "GET")

    def _ask(self, path: str, method: str) -> bytes:
        request = urllib.request.Request(f"http://127.0.0.1:{self._port}{path}", method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            body: bytes = answer.read()
            return body


@contextmanager
def browser_tabs(directory: Path) -> Iterator[Tabs]:
    """A browser with a profile of its own in *directory*, until the end of the block."""
    profile = directory / "profile"
    flags = [flag for flag in FLAGS if "virtual-time" not in flag]
    process = subprocess.Popen(
        [need("chromium", "chromium-browser", "google-chrome"), *flags, f"--user-data-dir={profile}",
         "--remote-debugging-port=0", "about:blank"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"HOME": str(directory)},
        start_new_session=True,
    )  # fmt: skip
    try:
        told = profile / "DevToolsActivePort"
        wait_until(lambda: told.exists() and told.read_text().count("\n") == 1)
        yield Tabs(int(told.read_text().split()[0]))
    finally:
        with suppress(ProcessLookupError):  # its helpers are in its process group, and it leads no other
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
