"""A sink for tests: it keeps what it gets, and says how that differs from what was expected."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any
from wsgiref.types import WSGIApplication

from ..errors import Rejected
from ..events import Event
from ..middleware import PixelMiddleware
from ..sinks.base import BatchSink
from .compare import as_lines, differences, name_of, shown

# Somebody may append to the lists directly, which wakes nobody.
_LOOK_AGAIN = 0.02  # seconds
_SHOWN_EVENTS = 10  # in a message


class Recorder(BatchSink):
    """Keeps the good events and the refusals, in the order in which they came.

    ::

        recorder = Recorder()
        app.wsgi_app = recorder.wrap(app.wsgi_app, write_keys="optional")
        app.test_client().get("/pixel/v1/track?anonymousId=a&event=Sign+Up&properties.plan=pro")
        recorder.one(event="Sign Up", properties={"plan": "pro"})

    It is a sink, which takes batches, too. Each event is a copy of what it was given.

    :ivar good: the events.
    :ivar bad: the refusals, each a :class:`pixelmw.Rejected`.
    """

    def __init__(self) -> None:
        self.good: list[Event] = []
        self.bad: list[Rejected] = []
        self._news = threading.Condition()

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"  # the same each time: logs are throttled by it

    def wrap(self, app: WSGIApplication, **options: Any) -> PixelMiddleware:
        """Return a :class:`pixelmw.PixelMiddleware` around *app* that records here.

        :param app: any WSGI application; of a Flask app, its ``wsgi_app``.
        :param options: those of the middleware. An ``on_reject`` among them is called as well.
        """
        also = options.pop("on_reject", None)
        return PixelMiddleware(app, self, on_reject=self._both(also) if also else self.on_reject, **options)

    def write(self, events: Sequence[Event]) -> None:
        """Keep a copy of each of *events*."""
        with self._news:
            self.good += copy.deepcopy(list(events))
            self._news.notify_all()

    def on_reject(self, refusal: Rejected) -> None:
        """Keep *refusal*: for the argument ``on_reject`` of a middleware that was not made by :meth:`wrap`."""
        with self._news:
            self.bad.append(refusal)
            self._news.notify_all()

    def _both(self, also: Callable[[Rejected], object]) -> Callable[[Rejected], object]:
        def on_reject(refusal: Rejected) -> None:
            self.on_reject(refusal)
            also(refusal)

        return on_reject

    def one(self, **fields: Any) -> Event:
        """Return the only good event that holds *fields*. There may be others, which do not.

        :param fields: what it has to hold. A dict stands for some keys of the
            one in the event, at any depth; everything else must be equal, and
            ``True`` is not ``1``. An object with an ``==`` of its own, such as
            ``unittest.mock.ANY``, is asked. No fields at all mean: there is one event.
        :raises AssertionError: if none holds them, or several do; it shows what came, and how it differs.
        """
        with self._news:
            good = list(self.good)
        found = [list(differences(fields, event, partly=True)) for event in good]
        matching = [event for event, different in zip(good, found, strict=True) if not different]
        if len(matching) == 1:
            return matching[0]
        wanted = f"that hold {shown(fields, 400)}" if fields else "at all"
        if matching:
            lines = [f"{len(matching)} good events {wanted}, and there should be one:"]
            lines += _short_list([f"  {name_of(event)}" for event in matching])
            raise AssertionError("\n".join(lines + self._refusals()))
        lines = [f"none of {len(good)} good events {wanted.replace('hold', 'holds')}" if good else "no good event came"]
        if not good and fields:
            lines[0] += f"; one that holds {shown(fields, 400)} was expected"
        nearest = sorted(zip(good, found, strict=True), key=lambda pair: len(pair[1]))
        paragraphs = [
            "\n".join([f"  {name_of(event)} differs:", *(f"    {line}" for line in as_lines(found, _VERBS))])
            for event, found in nearest
        ]
        raise AssertionError("\n".join(lines + _short_list(paragraphs) + self._refusals()))

    def wait(self, good: int | None = None, bad: int | None = None, timeout: float = 5.0) -> None:
        """Wait until exactly so many events are here, for what arrives in another thread.

        :param good: good events, all since the start or since :meth:`reset`; ``None`` for any number.
        :param bad: refusals; ``None`` for any number.
        :param timeout: seconds to wait at most.
        :raises AssertionError: after *timeout*, or as soon as there are more; it shows what came.
        """
        if good is None and bad is None:
            raise TypeError("wait needs to know how many: wait(good=1), or wait(bad=1)")
        deadline = time.monotonic() + timeout
        with self._news:
            while not _is(len(self.good), good) or not _is(len(self.bad), bad):
                too_many = len(self.good) > _limit(good) or len(self.bad) > _limit(bad)
                remaining = deadline - time.monotonic()
                if too_many or remaining <= 0:
                    raise AssertionError(self._account(good, bad, "" if too_many else f" within {timeout} seconds"))
                self._news.wait(min(remaining, _LOOK_AGAIN))

    def reset(self) -> None:
        """Forget everything; the lists stay the same two objects."""
        with self._news:
            self.good.clear()
            self.bad.clear()

    def _account(self, good: int | None, bad: int | None, when: str) -> str:
        """Return what came in place of what was waited for."""
        wanted = [f"{count} {kind}" for count, kind in ((good, "good"), (bad, "bad")) if count is not None]
        lines = [f"{len(self.good)} good and {len(self.bad)} bad came{when}; waited for {' and '.join(wanted)}"]
        lines += _short_list([f"  {name_of(event)}" for event in self.good])
        return "\n".join(lines + self._refusals())

    def _refusals(self) -> list[str]:
        if not self.bad:
            return []
        refusals = [f"  {refusal.event_type}: {refusal.code}: {refusal.message}" for refusal in list(self.bad)]
        return [f"{len(refusals)} refused:", *_short_list(refusals)]


_VERBS = ("expected", "there is")


def _is(count: int, wanted: int | None) -> bool:
    return wanted is None or count == wanted


def _limit(wanted: int | None) -> float:
    return float("inf") if wanted is None else wanted


def _short_list(items: list[str]) -> list[str]:
    """Return *items*, or the first of them and how many more there are."""
    more = len(items) - _SHOWN_EVENTS
    return items[:_SHOWN_EVENTS] + ([f"  and {more} more"] if more > 0 else [])
