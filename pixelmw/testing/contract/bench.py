"""A sink on the test bench: how it is given events, and what it has stored of them."""

from __future__ import annotations

import copy
import time
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from ...events import Event, Sink, rfc3339
from ...sinks.base import BatchSink, takes_batches
from ...sinks.together import store
from ..compare import as_json, shown
from ..samples import sample_event
from .arrivals import NOTHING, Deviation, deviations
from .calls import FLUSH_TIMEOUT, attempt, flushed, refused
from .flags import Flags

_BEGINNING = 1795437296.789  # seconds since the epoch; the time of the first event
# Neighbours get ids that are far from each other, up or down, so that no sort keeps the order by chance: 2**32 divided
# by the golden ratio, as in Knuth's multiplicative hashing.
_STRIDE, _RANGE = 2654435769, 2**32
# In the messageIds of this process, by which events of an earlier point that come late are known.
_PROCESS = uuid.uuid4().hex[:8]
# Seconds for which events that are late are waited for, wherever it is not the point that they are.
_PATIENCE, _PAUSE = 0.5, 0.02
_PACKAGE = f"{__name__.partition('.')[0]}."

ReadBack = Callable[[], Iterable[Mapping[str, Any]]]


class Skip(Exception):
    """A point of the contract does not apply to this sink, for the reason that the message has."""


class Unreadable(Exception):
    """What is stored cannot be read back."""


def gives_up(sink: Sink) -> str:
    """Say what *sink* gives up by a ``__call__`` of its own in front of its ``write``; "" if nothing is."""
    call = type(sink).__call__
    if not takes_batches(sink) or call is BatchSink.__call__ or call.__module__.startswith(_PACKAGE):
        return ""
    return (
        f"the __call__ of {type(sink).__qualname__} is its own. So threads that store at the same time share no write, "
        "and nothing but itself bounds how long they wait for each other, or finds the one event of several that is at "
        "fault. Leave it out, and BatchSink does all that with write"
    )


class Bench:
    """One sink, the events that it was given, and what came back of them.

    :ivar sink: the sink.
    :ivar flags: what its author says of it.
    """

    def __init__(self, sink: Sink, read_back: ReadBack, flags: Flags) -> None:
        if not callable(sink):
            raise TypeError(f"the sink is {sink!r}, which cannot be called with an event")
        self.sink = sink
        self.flags = flags
        self.takes_batches = takes_batches(sink)
        self._read_back = read_back
        self._token = f"{_PROCESS}-{uuid.uuid4().hex[:8]}"
        self._count = 0
        self._refused: dict[str, Exception] = {}
        try:
            self._seen = Counter(map(as_json, self._read_all()))
        except Unreadable:
            self._seen = Counter()  # there may be no file and no table before the first event

    def event(self, event_type: str | None = None, /, **fields: Any) -> Event:
        """Return a sample event with a messageId and a time of its own; later ones have later times."""
        self._count += 1
        types = self.flags.event_types
        instant = rfc3339(_BEGINNING + self._count / 1000)
        own = {
            "messageId": f"{self._count * _STRIDE % _RANGE:08x}-{self._token}-{self._count}",
            **dict.fromkeys(("originalTimestamp", "sentAt", "receivedAt"), instant),
        }
        return sample_event(event_type or ("track" if "track" in types else next(iter(types))), **(own | fields))

    def give(self, event: Event) -> Exception | None:
        """Call the sink with a copy of *event*; return what it raised."""
        error = attempt(self.sink, copy.deepcopy(event))
        if error is not None:
            self._refused[event["messageId"]] = error
        return error

    def give_batch(self, events: Sequence[Event]) -> Exception | None:
        """Call the sink's ``write`` with copies of *events*; return what it raised.

        :raises Skip: if it has none.
        """
        return attempt(self.write, [copy.deepcopy(event) for event in events])

    def give_in_turn(self, events: Sequence[Event]) -> Exception | None:
        """Let the sink store copies of *events* as a worker of a wrapper does; return what it raised."""
        return attempt(partial(store, self.sink, worker=True), [copy.deepcopy(event) for event in events])

    @property
    def shares_writes(self) -> bool:
        """True if those who call the sink at the same time share a ``write``, since ``BatchSink`` calls it."""
        return type(self.sink).__call__ is BatchSink.__call__

    @property
    def lanes(self) -> int:
        """How many calls of ``write`` may be under way at once."""
        return getattr(self.sink, "lanes", 1) or 1 if self.shares_writes else 1

    def need_batches(self) -> None:
        """Raise :class:`Skip` for a sink without ``write``."""
        if not self.takes_batches:
            raise Skip("the sink has no write: it takes one event at a time")

    @property
    def write(self) -> Callable[[Sequence[Event]], object]:
        """The sink's ``write``.

        :raises Skip: if it has none.
        """
        self.need_batches()
        write: Callable[[Sequence[Event]], object] = self.sink.write  # type: ignore[attr-defined]  # it takes batches
        return write

    def store(self, *events: Event) -> Iterator[Deviation]:
        """Give the sink each of *events*, which it has to take."""
        for event in events:
            if (error := self.give(event)) is not None:
                yield refused(event, error)

    def came(
        self,
        sent: Sequence[Event],
        *,
        maybe: Sequence[Event] = (),
        repeated: Collection[str] = (),
        instead: Mapping[str, Event] = NOTHING,
        orders: Sequence[Sequence[Event]] | None = None,
        patience: float = _PATIENCE,
    ) -> Iterator[Deviation]:
        """Flush the sink, and yield how what is new in it differs from *sent*; :func:`.deviations` says the rest.

        :param orders: lists of events, each of which has to come in its order; by default, *sent* is the only one.
        :param patience: seconds to wait for those that are not there; 0 where it is the point that they are.
        """
        yield from self.flush()
        new = self.new()
        deadline = time.monotonic() + patience
        while len(new) < len(sent) and time.monotonic() < deadline:
            time.sleep(_PAUSE)
            new += self.new()
        yield from deviations(
            sent,
            new,
            maybe=maybe,
            repeated=repeated,
            instead=instead,
            refused=self._refused,
            orders=([sent] if orders is None else orders) if self.flags.keeps_order else (),
            has_flush=self.has_flush,
        )

    def new(self) -> list[Event]:
        """Return the events that came since this was last asked, in the order in which they stand."""
        old = Counter(self._seen)
        new = []
        for event in self._read_all():
            text = as_json(event)
            if old[text]:
                old[text] -= 1
                continue
            self._seen[text] += 1
            message_id = str(event.get("messageId"))
            if _PROCESS not in message_id or self._token in message_id:
                new.append(event)
        return new

    @property
    def has_flush(self) -> bool:
        """True if the sink has a ``flush`` of its own: it may take what arrives later."""
        flush = getattr(self.sink, "flush", None)
        return callable(flush) and getattr(flush, "__func__", None) is not BatchSink.flush

    def flush(self) -> Iterator[Deviation]:
        """Let everything arrive, if the sink has a ``flush`` of its own."""
        if self.has_flush:
            yield from flushed(self.method("flush"), FLUSH_TIMEOUT)

    def method(self, name: str) -> Callable[..., object]:
        """Return the sink's method *name*."""
        method: Callable[..., object] = getattr(self.sink, name)
        return method

    def _read_all(self) -> list[Event]:
        try:
            found = self._read_back()
            if isinstance(found, Iterator):
                found = list(found)
        except Exception as error:
            raise Unreadable(
                f"read_back raised {error!r}. Either it is at fault, or what the sink has stored"
            ) from error
        if isinstance(found, str | bytes | Mapping) or not isinstance(found, Iterable):
            raise TypeError(f"read_back returned {shown(found)}: let it return a list of the events that are stored")
        events = list(found)
        for event in events:
            if not isinstance(event, Mapping):
                raise TypeError(f"read_back returned a list with {shown(event)}: let it return events, each a dict")
        return list(map(dict, events))
