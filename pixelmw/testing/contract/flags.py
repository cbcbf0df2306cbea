"""What a sink cannot do, or need not, as its author says it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from ...events import EVENT_TYPES


@dataclass(frozen=True, kw_only=True)
class Flags:
    """The flags of :func:`pixelmw.testing.check_sink`, which says what each means."""

    stores_once: bool = False
    survives_fork: bool = False
    keeps_order: bool = True
    thread_safe: bool = True
    interruptible: bool = True
    reopens: bool = True
    event_types: Collection[str] = EVENT_TYPES
    refuses: Mapping[str, Any] | None = None
    break_it: Callable[[], AbstractContextManager[object]] | None = None
    hang_it: Callable[[], AbstractContextManager[object]] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.event_types, str) or not self.event_types or not set(self.event_types) <= set(EVENT_TYPES):
            raise ValueError(f"event_types is {self.event_types!r}: give some of {', '.join(EVENT_TYPES)}")
        if self.refuses is not None and not isinstance(self.refuses, Mapping):
            raise TypeError(f"refuses is {self.refuses!r}: give the fields of an event that the sink never takes")
        for name in ("break_it", "hang_it"):
            value = getattr(self, name)
            if value is not None and not callable(value):
                raise TypeError(f"{name} is {value!r}: give a callable that returns a context manager")
