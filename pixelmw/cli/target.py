"""Finds the sink that ``drain --sink MODULE:NAME`` names, and the settings that belong to it."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from ..delivery.base import Delivery
from ..delivery.retry import Retry
from ..events import Sink
from ..middleware import PixelMiddleware
from ..sinks.base import checked_sink


class DrainTarget:
    """The sink that a spool's events go to.

    ``MODULE:NAME`` may name a sink, a Spool or Background around a sink, or a
    PixelMiddleware that has one of these. The module is imported from the
    current directory, as gunicorn does it.

    :ivar sink: takes the events.
    :ivar retry: that of the Spool or Background, otherwise the default.
    :ivar dead_letter: that of the Spool or Background, otherwise ``None``.
    :param name: ``MODULE:NAME``, such as ``myapp.wsgi:spool``; NAME may have dots.
    :raises ValueError: if there is nothing of that name, or if it leads to no sink.
    """

    def __init__(self, name: str) -> None:
        module, _, attributes = name.partition(":")
        if not attributes:
            raise ValueError(f"--sink is {name!r}: give MODULE:NAME, such as myapp.wsgi:spool")
        sys.path.insert(0, str(Path.cwd()))
        try:
            found: Any = import_module(module)
            for attribute in attributes.split("."):
                found = getattr(found, attribute)
        except (ImportError, AttributeError) as error:
            raise ValueError(f"--sink is {name!r}: {error}") from error
        self.retry = Retry()
        self.dead_letter: Sink | None = None
        if isinstance(found, PixelMiddleware):
            found = found.collector.sink
        if isinstance(found, Delivery):
            self.retry, self.dead_letter, found = found.retry, found.dead_letter, found.sink
        try:
            self.sink: Sink = checked_sink("the sink", found)
        except TypeError as error:
            raise ValueError(f"--sink is {name!r}: that is {found!r}, and no sink ({error})") from None
