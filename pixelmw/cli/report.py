"""Reports what became of each request: on the terminal, to a live view, and to whoever waits for a number of events."""

from __future__ import annotations

import threading
from contextvars import ContextVar
from typing import Any

from ..errors import Rejected
from ..events import Event
from ..live import LiveView
from ..live.answers import LiveAnswer
from ..live.shown import Mask
from .console import json_text, print_line
from .lines import discard_line, event_line, failure_line, refusal_json, refusal_line

#: What became of a request: the event, the refusal, or ``None`` for an event that was discarded on purpose.
Outcome = Event | Rejected | None

#: Where the request that is served now puts what becomes of it, if somebody wants to know.
outcomes: ContextVar[list[Outcome] | None] = ContextVar("pixelmw.cli.outcomes", default=None)


class Report:
    """Prints a line for each request of a pixel, and counts.

    :param as_json: print each stored event as a line of JSON on standard
        output, and each refusal as one on standard error.
    :param expect: how many events are waited for, or ``None``.
    :ivar good: how many events were stored.
    :ivar bad: how many requests were refused, or could not be stored.
    :ivar decided: is set once as many events were stored as are expected, or one request went wrong.
    """

    def __init__(self, *, as_json: bool = False, expect: int | None = None) -> None:
        self.as_json = as_json
        self.expect = expect
        self.good = self.bad = 0
        self.decided = threading.Event()
        self._lock = threading.Lock()

    def accepted(self, event: Event) -> None:
        """Report a stored event."""
        if self.as_json:
            print_line(json_text(event))
        else:
            print_line(event_line(event), word="stored", colour="green")
        self._count(event, good=1)

    def refused(self, refusal: Rejected) -> None:
        """Report a refusal, or an event that could not be stored."""
        if self.as_json:
            print_line(json_text(refusal_json(refusal)), error=True)
        elif refusal.code == "unavailable":
            print_line(failure_line(str(refusal.event_type)), word="failed", colour="red")
        else:
            print_line(refusal_line(refusal), word="refused", colour="red")
        self._count(refusal, bad=1)

    def discarded(self) -> None:
        """Report an event that an enricher has discarded."""
        if not self.as_json:
            print_line(discard_line(), word="dropped", colour="yellow")
        self._count(None)

    def say(self, line: str) -> None:
        """Print what is no event: on standard error where standard output is for events alone."""
        print_line(line, error=self.as_json)

    def result(self) -> int:
        """The exit code: 0 if as many events as are expected were stored, and nothing went wrong; else 1."""
        if self.expect is None:
            return 0
        self.say(f"{self.good} of {self.expect} expected events came, and {self.bad} went wrong")
        return 0 if self.good >= self.expect and not self.bad else 1

    def _count(self, outcome: Outcome, *, good: int = 0, bad: int = 0) -> None:
        if (of_request := outcomes.get()) is not None:
            of_request.append(outcome)
        with self._lock:
            self.good += good
            self.bad += bad
            if self.expect is not None and (self.bad or self.good >= self.expect):
                self.decided.set()


def said_already(refusal: Rejected) -> None:
    """Take a refusal that is reported anyway: for ``on_reject``."""


class ReportingView(LiveView):
    """A live view that also reports what it is shown.

    :param live: the live view that shows it.
    :param report: is told as well.
    """

    def __init__(self, live: LiveView, report: Report) -> None:
        self._live = live
        self._report = report
        self.path = live.path
        self.paths = live.paths

    def accepted(self, event: dict[str, Any], mask: Mask) -> None:
        """Show and report a stored event."""
        self._live.accepted(event, mask)
        self._report.accepted(event)

    def refused(self, refusal: Rejected, mask: Mask) -> None:
        """Show and report a refusal."""
        self._live.refused(refusal, mask)
        self._report.refused(refusal)

    def discarded(self) -> None:
        """Count and report an event that was discarded."""
        self._live.discarded()
        self._report.discarded()

    def answer(self, environ: dict[str, Any]) -> LiveAnswer:
        """What the live view answers."""
        return self._live.answer(environ)
