"""Finds the sink that ``drain --sink MODULE:NAME`` names, and the settings that belong to it."""

from __future__ import annotations

from ..delivery.base import Delivery
from ..delivery.retry import Retry
from ..events import Sink
from ..sinks.base import checked_sink
from .application import find_pixels, load_object


class DrainTarget:
    """The sink that a spool's events go to.

    ``MODULE:NAME`` may name a sink, a Spool or Background around a sink, or an
    application with a PixelMiddleware that has one of these. The module is
    imported from the current directory, as gunicorn does it.

    :ivar sink: takes the events.
    :ivar retry: that of the Spool or Background, otherwise the default.
    :ivar dead_letter: that of the Spool or Background, otherwise ``None``.
    :param name: ``MODULE:NAME``, such as ``myapp.wsgi:spool``; NAME may have dots.
    :raises ValueError: if there is nothing of that name, or if it leads to no
        sink, or to several.
    """

    def __init__(self, name: str) -> None:
        found = load_object("--sink", name)
        self.retry = Retry()
        self.dead_letter: Sink | None = None
        if sinks := [middleware.collector.sink for middleware in find_pixels(found).values()]:
            if any(sink is not sinks[0] for sink in sinks):
                raise ValueError(f"--sink is {name!r}: it has {len(sinks)} PixelMiddlewares; name the sink itself")
            found = sinks[0]
        if isinstance(found, Delivery):
            self.retry, self.dead_letter, found = found.retry, found.dead_letter, found.sink
        try:
            self.sink: Sink = checked_sink("the sink", found)
        except TypeError as error:
            raise ValueError(f"--sink is {name!r}: that is {found!r}, and no sink ({error})") from None
