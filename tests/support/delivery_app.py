"""The application that servers run while they are killed: it stores in the sink that the environment names."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pixelmw import Event, PixelMiddleware
from pixelmw.delivery import Spool
from pixelmw.sinks import JSONLines, SQLite

#: A name for the environment, and what makes a sink in a directory.
KINDS: dict[str, Callable[[Path], Callable[[Event], object]]] = {
    "spool": lambda directory: Spool(directory / "spool", JSONLines(directory / "forwarded.jsonl", sync=False)),
    "sqlite": lambda directory: SQLite(directory / "events.db"),
    "lines": lambda directory: JSONLines(directory / "events.jsonl"),
}


def host(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "4")])
    return [b"host"]


application = PixelMiddleware(host, KINDS[os.environ["PIXELMW_TEST_SINK"]](Path(os.environ["PIXELMW_TEST_DIRECTORY"])))
