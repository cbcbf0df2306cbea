"""Reads a figure that something tells about itself."""

from __future__ import annotations

from collections.abc import Mapping

from .callables import raise_if_unfinished


def figure_of(thing: object, name: str) -> int | None:
    """The figure *name* in what ``thing.stats()`` returns; ``None`` if there is none, or it is to be awaited."""
    stats = getattr(thing, "stats", None)
    if not callable(stats):
        return None
    try:
        figures = stats()
        raise_if_unfinished("stats", stats, figures)
    except Exception:  # it cannot be told now: such as a disk that is gone; whoever asks the thing itself hears of it
        return None
    figure = figures.get(name) if isinstance(figures, Mapping) else None
    return figure if isinstance(figure, int) else None
