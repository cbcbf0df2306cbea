"""The application of the tests that lock the file of a sink: a page of the host, and pixels that wait for the file."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pixelmw import Event, PixelMiddleware
from pixelmw.delivery import Background, Spool
from pixelmw.sinks import JSONLines, SQLite

_DIRECTORY = Path(os.environ["PIXELMW_TEST_DIRECTORY"])


def _sink() -> Callable[[Event], object]:
    make: dict[str, Callable[[], Callable[[Event], object]]] = {
        "sqlite": lambda: SQLite(_DIRECTORY / "events.db", timeout=20),
        "jsonlines": lambda: JSONLines(_DIRECTORY / "events.jsonl", timeout=20),
        "spool": lambda: Spool(_DIRECTORY / "spool", SQLite(_DIRECTORY / "events.db", timeout=20)),
        "background": lambda: Background(SQLite(_DIRECTORY / "events.db", timeout=20)),
    }
    return make[os.environ["PIXELMW_TEST_SINK"]]()


def host(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """A page of the host."""
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "4")])
    return [b"page"]


application = PixelMiddleware(host, _sink())
