"""A sink on the test bench: how it is given events, and what it has stored of them."""

from __future__ import annotations

import copy
import inspect
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

from ...events import Event, Sink, rfc3339
from ...sinks.base import takes_batches
from ..compare import as_json, name_of, shown
from ..samples import sample_event
from .arrivals import deviations
from .clock import TookTooLong, time_limit
from .flags import Flags

#: Seconds for any one call of a sink; a sink of ours gives up after 10.
CALL_LIMIT = 30.0
#: Seconds that a flush may take, and those beyond it within which it has to return.
FLUSH_TIMEOUT, GRACE = 10.0, 5.0

_BEGINNING = 1795437296.789  # seconds since the epoch; the time of the first event
# Neighbours get ids that are far from each other, up or down, so that no sort keeps the order by chance: 2**32 divided
# by the golden ratio, as in Knuth's multiplicative hashing.
_STRIDE, _RANGE = 2654435769, 2**32

ReadBack = Callable[[], Iterable[Event]]


class Skip(Exception):
    """A point of the contract does not apply to this sink, for the reason that the message has."""


class Hung(Exception):
    """A call of the sink did not return in time."""


class Bench:
    """One sink, the events that it was given, and what came back of them.

    :ivar sink: the sink.
    :ivar flags: what its author says of it.
    :ivar write: its ``write``, or ``None``.
    """

    def __init__(self, sink: Sink, read_back: ReadBack, flags: Flags) -> None:
        if not callable(sink):
            raise TypeError(f"the sink is {sink!r}, which cannot be called with an event")
        self.sink = sink
        self.flags = flags
        self.write: Callable[[Sequence[Event]], object] | None = sink.write if takes_batches(sink) else None  # type: ignore[attr-defined]
        self._read_back = read_back
        self._token = uuid.uuid4().hex[:8]
        self._count = 0
        try:
            self._seen = Counter(map(as_json, self._read_all()))
        except TypeError:
            raise
        except Exception:
            self._seen = Counter()  # there may be no file and no table before the first event

    def event(self, event_type: str | None = None, /, **fields: Any) -> Event:
        """Return a sample event with a messageId and a time of its own; later ones have later times."""
        self._count += 1
        types = self.flags.event_types
        event_type = event_type or ("track" if "track" in types else next(iter(types)))
        instant = rfc3339(_BEGINNING + self._count / 1000)
        own = {
            "messageId": f"{self._count * _STRIDE % _RANGE:08x}-{self._token}-{self._count}",
            **dict.fromkeys(("originalTimestamp", "sentAt", "receivedAt"), instant),
        }
        return sample_event(event_type, **(own | fields))

    def give(self, event: Event) -> Exception | None:
        """Call the sink with a copy of *event*; return what it raised."""
        return attempt(self.sink, copy.deepcopy(event))

    def give_batch(self, events: Sequence[Event]) -> Exception | None:
        """Call the sink's ``write`` with copies of *events*; return what it raised."""
        return attempt(self.batch_write, copy.deepcopy(list(events)))

    @property
    def batch_write(self) -> Callable[[Sequence[Event]], object]:
        """The sink's ``write``.

        :raises Skip: if it has none.
        """
        if self.write is None:
            raise Skip("the sink has no write: it takes one event at a time")
        return self.write

    def store(self, *events: Event) -> Iterator[str]:
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
        in_order: bool = True,
    ) -> Iterator[str]:
        """Flush the sink, and yield how what is new in it differs from *sent*; :func:`.deviations` says the rest."""
        yield from self.flush()
        try:
            new = self.new()
        except TypeError:
            raise
        except Exception as error:
            yield f"read_back raised {error!r}, after {len(sent)} events were stored"
            return
        yield from deviations(
            sent,
            new,
            maybe=maybe,
            repeated=repeated,
            in_order=in_order and self.flags.keeps_order,
            has_flush=self.method("flush") is not None,
        )

    def new(self) -> list[Event]:
        """Return the events that came since this was last asked, in the order in which they stand."""
        old = Counter(self._seen)
        new = []
        for event in self._read_all():
            text = as_json(event)
            if old[text]:
                old[text] -= 1
            else:
                new.append(event)
                self._seen[text] += 1
        return new

    def flush(self) -> Iterator[str]:
        """Let everything arrive, if the sink has a ``flush``."""
        if (flush := self.method("flush")) is not None:
            yield from flushed(flush, FLUSH_TIMEOUT)

    def method(self, name: str) -> Callable[..., object] | None:
        """Return the sink's method *name*, if it has one."""
        method = getattr(self.sink, name, None)
        return method if callable(method) else None

    def _read_all(self) -> list[Event]:
        found = self._read_back()
        if isinstance(found, str | bytes | dict) or not isinstance(found, Iterable):
            raise TypeError(f"read_back returned {shown(found)}: let it return a list of the events that are stored")
        events = list(found)
        for event in events:
            if not isinstance(event, dict):
                raise TypeError(f"read_back returned a list with {shown(event)}: let it return events, each a dict")
        return events


def attempt(call: Callable[..., object], *args: object) -> Exception | None:
    """Call *call*; return what it raised, or what is wrong with what it returned."""
    try:
        with time_limit(CALL_LIMIT):
            result = call(*args)
    except TookTooLong as error:
        return Hung(str(error))
    except Exception as error:
        return error
    if inspect.isawaitable(result) or inspect.isgenerator(result) or inspect.isasyncgen(result):
        if inspect.iscoroutine(result) or inspect.isgenerator(result):
            result.close()
        return TypeError(
            f"its call returned a {type(result).__name__}, which nobody runs: write it with def, and no yield"
        )
    return None


def flushed(flush: Callable[..., object], timeout: float) -> Iterator[str]:
    """Call *flush*, and yield a sentence unless it says in time that everything has arrived."""
    try:
        with time_limit(timeout + GRACE):
            result = call_with_timeout(flush, timeout)
    except TookTooLong:
        yield f"flush({timeout:g}) did not return within {timeout + GRACE:g} seconds. Let it wait no longer than told"
    except Exception as error:
        yield f"flush({timeout:g}) raised {error!r}. Let it return False where not everything has arrived"
    else:
        if result is None:
            yield f"flush({timeout:g}) returned None. Let it return True once everything has arrived, otherwise False"
        elif not result:
            yield f"flush({timeout:g}) returned {shown(result)}, though nothing was in the way"


def call_with_timeout(method: Callable[..., object], timeout: float) -> object:
    """Call a ``flush`` or ``close`` with *timeout*, or without, if it takes none."""
    try:
        inspect.signature(method).bind(timeout)
    except TypeError:
        return method()
    except ValueError:  # a function in C may have no signature that Python knows
        pass
    return method(timeout)


def refused(event: Event, error: Exception) -> str:
    """Say that the sink did not take a valid event."""
    if isinstance(error, Hung):
        return f"{name_of(event)}: {error}. Bound each wait, and raise Unavailable when the time is over"
    return f"{name_of(event)} was refused with {error!r}. It is as the middleware makes it: take it"
