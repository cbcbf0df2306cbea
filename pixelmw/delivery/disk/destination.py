"""Remembers which destination a directory's events are for, and notices another one.

Two applications that share a directory by mistake send all events of both to the sink of whichever of them forwards.
So a directory that holds events keeps the name of their destination. It is a word of warning, and no lock.
"""

from __future__ import annotations

import os
from contextlib import suppress
from urllib.parse import urlsplit

from ...events import Sink
from .directory import DESTINATION, SpoolDirectory

# What tells two sinks of a class apart, if they have it. No more of a URL than its host: there may be a password in it.
_TELLING = ("topic", "table", "stream", "path")
_URL = "data_plane_url"
# What is kept of a name.
_MAX_CHARS = 1000


def name_of(sink: Sink) -> str:
    """Return a name for *sink* that stays the same while it stores to the same place, without secrets.

    It is the sink's qualified name, and its topic, table, stream, path or host, if it has one. A sink that is made of
    several has the names of all. Of the package's own sinks it is the name of the class: their modules may move.
    """
    kind = sink if hasattr(sink, "__qualname__") else type(sink)
    module, name = getattr(kind, "__module__", None) or "builtins", getattr(kind, "__qualname__", "")
    name = name.lstrip("_") if module.startswith("pixelmw.") else f"{module}.{name}"
    values = [getattr(sink, attribute, None) for attribute in _TELLING]
    told = [str(value) for value in values if isinstance(value, str | os.PathLike)]
    if isinstance(url := getattr(sink, _URL, None), str):
        told.append(urlsplit(url).hostname or "")
    told += [name_of(member) for member in getattr(sink, "sinks", ())]
    return (f"{name}({', '.join(told)})" if told else name)[:_MAX_CHARS]


def other_destination(directory: SpoolDirectory, name: str) -> str | None:
    """Note that *directory* is for the destination *name* from now on, if no events wait there.

    :returns: the name of the destination that the waiting events are for, if it is another one.
    """
    with suppress(OSError):  # no event is refused for want of a word of warning
        descriptor = directory.open_file(DESTINATION)
        try:
            noted = os.pread(descriptor, 4 * _MAX_CHARS, 0).decode(errors="replace")
            if noted and noted != name and directory.segments():
                return noted
            if noted != name:
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, name.encode(), 0)
        finally:
            os.close(descriptor)
    return None
