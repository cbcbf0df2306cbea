"""The applications of ``benchmarks/serve.py`` whose sinks keep what they take; the variable STORE says where."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import contenders

from pixelmw import PixelMiddleware
from pixelmw.delivery import Spool
from pixelmw.sinks import JSONLines, SQLite
from pixelmw.sinks.sql import SQL


def application(sink: Callable[[dict[str, Any]], object]) -> PixelMiddleware:
    """The middleware around the floor."""
    return PixelMiddleware(contenders.floor(), sink)


def nothing() -> PixelMiddleware:
    """A sink that does nothing."""
    return application(contenders.sink)


def jsonlines() -> PixelMiddleware:
    """A file, synced."""
    return application(JSONLines(Path(os.environ["STORE"], "events.jsonl")))


def sqlite() -> PixelMiddleware:
    """A database in a file."""
    return application(SQLite(Path(os.environ["STORE"], "events.db")))


def spool() -> PixelMiddleware:
    """A spool, which is drained to nowhere meanwhile."""
    return application(Spool(Path(os.environ["STORE"], "spool"), contenders.sink))


def postgresql() -> PixelMiddleware:
    """A table of PostgreSQL."""
    return application(SQL(os.environ["STORE"]))
