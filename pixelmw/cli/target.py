"""Finds the sink that ``drain --sink MODULE:NAME`` names, and the settings that belong to it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..delivery.base import Delivery
from ..delivery.disk.destination import name_of
from ..delivery.retry import Retry
from ..delivery.room_in_batch import MAX_BATCH
from ..delivery.spool import Spool
from ..events import Sink
from ..sinks.base import checked_sink, takes_batches
from ..sinks.combine.members import members_of
from .application import find_collectors, load_object
from .first_call import FirstCall


class DrainTarget:
    """The sink that a spool's events go to.

    ``MODULE:NAME`` may name a sink, a Spool or Background around a sink, or an
    application with a PixelMiddleware that has one of these. The module is
    imported from the current directory, as gunicorn does it. If the Spool of the
    directory is somewhere in it, as in ``fallback(sink, Spool(directory, sink))``, the
    events go to the sink of that Spool.

    :ivar sink: takes the events, unless :meth:`check` finds after the first one that it is none.
    :ivar retry: that of the Spool or Background, otherwise the default.
    :ivar max_batch: that of the Spool or Background, otherwise the default.
    :ivar max_dead_bytes: that of the Spool, otherwise ``None``.
    :ivar name: what the directory of the Spool would call its destination, otherwise a name for the sink.
    :ivar dead_letter: that of the Spool or Background, otherwise ``None``.
    :param name: ``MODULE:NAME``, such as ``myapp.wsgi:spool``; NAME may have dots.
    :param directory: that of the spool.
    :raises ValueError: if there is nothing of that name, or if it leads to no
        sink, or to several.
    """

    def __init__(self, name: str, directory: Path) -> None:
        loaded = found = load_object("--sink", name)
        self.retry = Retry()
        self.max_batch = MAX_BATCH
        self.max_dead_bytes: int | None = None
        self.dead_letter: Sink | None = None
        if sinks := [collector.sink for collector in find_collectors(found)]:
            if any(sink is not sinks[0] for sink in sinks):
                raise ValueError(f"--sink is {name!r}: it has {len(sinks)} PixelMiddlewares; name the sink itself")
            found = sinks[0]
        found = next((spool for spool in _spools_in(found) if _is_of(spool, directory)), found)
        spool = found if isinstance(found, Spool) else None
        if spool is not None:
            self.max_dead_bytes = spool.max_dead_bytes
        if isinstance(found, Delivery):
            self.retry, self.max_batch, self.dead_letter = found.retry, found.max_batch, found.dead_letter
            found = found.sink
        try:
            self.sink: Sink = checked_sink("the sink", found)
            _check_call(self.sink)
        except TypeError as error:
            hint = f"; if it makes an application, give {name}()" if inspect.isfunction(found) else ""
            raise ValueError(f"--sink is {name!r}: that is {found!r:.100}, and no sink ({error}){hint}") from None
        self.name = name_of(self.sink) if spool is None else spool.name
        self._first_call: FirstCall | None = None
        if not takes_batches(self.sink):
            remedy = f"give {name}()" if found is loaded and _needs_no_argument(found) else "name the sink itself"
            self.sink = self._first_call = FirstCall(name, self.sink, remedy)

    def check(self) -> None:
        """Check, after a call of the sink, that it is one.

        :raises ValueError: if it makes an application instead; the events are still in the spool.
        """
        if self._first_call is not None:
            self._first_call.check()


def _spools_in(sink: Any) -> Iterator[Spool]:
    """Each Spool in *sink*, which may be in a ``fan_out``, a ``fallback`` or a Background."""
    if isinstance(sink, Spool):
        yield sink
    for each in [sink.sink] if isinstance(sink, Delivery) else members_of(sink):
        yield from _spools_in(each)


def _is_of(spool: Spool, directory: Path) -> bool:
    try:
        return spool.directory.samefile(directory)
    except OSError:  # its directory is not there yet
        return False


def _needs_no_argument(function: Any) -> bool:
    try:
        inspect.signature(function).bind()
    except (TypeError, ValueError):  # it has no signature that Python knows
        return False
    return True


def _check_call(sink: Any) -> None:
    """Check that *sink* can be called with one event. A WSGI application, which takes two arguments, cannot.

    :raises TypeError: if not.
    """
    try:
        signature = inspect.signature(sink)
    except ValueError:  # a function in C may have no signature that Python knows
        return
    signature.bind({})
