"""The live view: shells feed it with what becomes of each request, and send what it answers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from ..system.failures import ends_the_call_only
from ..text import wsgi_text
from .answers import LiveAnswer, json_answer, make_answer, text_answer
from .filters import MAX_BODY, WrongFilter, query_of, read_filter, select, whole_number
from .guard import Guard, Objection
from .kept import Kept, Snapshot
from .page import load_page
from .shown import Frozen, Mask, bad_members, facts_of, freeze, good_members, json_text

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

    from ..errors import Rejected

logger = logging.getLogger("pixelmw.requests")

_HTML = "text/html; charset=utf-8"
_READ = ("GET", "HEAD")
_READ_OR_FILTER = (*_READ, "POST")


class _Route(NamedTuple):
    """The methods that a path takes, and what makes its answer."""

    methods: tuple[str, ...]
    make: Callable[[WSGIEnvironment], LiveAnswer]


class LiveView:
    """A page that shows the good and the bad events of this process as they come.

    ::

        app.wsgi_app = PixelMiddleware(app.wsgi_app, sink, live=LiveView())

    Then open ``/_pixelmw``. It is for development: what it shows is personal
    data. It answers requests from this machine, and from elsewhere only with the
    token. At construction a line in the log says that it is on.

    =========================  ====================================================
    ``GET /_pixelmw``          the page
    ``GET /_pixelmw/all``      ``{"total": 7, "good": 5, "bad": 2}``
    ``GET /_pixelmw/good``     the good events, newest first; ``POST`` with a filter
    ``GET /_pixelmw/bad``      the refusals, newest first; ``POST`` with a filter
    ``GET /_pixelmw/events``   what came after the number ``after``, with the counts
    ``POST /_pixelmw/reset``   forget all; answers as ``all``
    =========================  ====================================================

    :param path: where the page is. The others are below it.
    :param limit: how many events and refusals are kept, the newest ones; of these, 8 MB at most.
    :param token: whoever sends it as ``Authorization: Bearer`` may look from anywhere.
    :param hosts: the names in ``Host`` under which this machine is known.
    :raises TypeError: for an argument of the wrong kind.
    :raises ValueError: for a path that does not begin with a slash or ends with
        one, a *limit* below one, a host that is none, or a token that cannot stand in a header.
    :ivar paths: each path that it answers, as a WSGI server spells it.
    :ivar max_body: how much of the body of a request is read, in bytes.
    """

    def __init__(
        self,
        path: str = "/_pixelmw",
        *,
        limit: int = 1000,
        token: str | None = None,
        hosts: Iterable[str] = ("localhost", "127.0.0.1", "::1"),
    ) -> None:
        self.path = _checked_path(path)
        self._kept = Kept(_checked_limit(limit))
        self._guard = Guard(hosts, token)
        self._page = load_page()
        self.max_body = MAX_BODY
        routes = {
            path: _Route(_READ, self._show_page),
            f"{path}/": _Route(_READ, self._show_page),
            f"{path}/all": _Route(_READ, self._show_totals),
            f"{path}/good": _Route(_READ_OR_FILTER, self._show_good),
            f"{path}/bad": _Route(_READ_OR_FILTER, self._show_bad),
            f"{path}/events": _Route(_READ, self._show_news),
            f"{path}/reset": _Route(("POST",), self._reset),
        }
        self._routes = {wsgi_text(path): route for path, route in routes.items()}
        self.paths = tuple(self._routes)
        who = "this machine, and whoever has the token" if self._guard.has_token else "this machine"
        logger.warning("the live view is on at %s: it shows the events of visitors to %s", path, who)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.path!r})"

    def accepted(self, event: dict[str, Any], mask: Mask) -> None:
        """Show a stored event, as it is now. What fails in that is counted, and not raised.

        :param mask: hides the write keys in a text, in which they may stand as in a query.
        """
        self._keep(lambda: event, good_members, mask, good=True)

    def refused(self, refusal: Rejected, mask: Mask) -> None:
        """Show a refusal; as :meth:`accepted`."""
        self._keep(lambda: facts_of(refusal), bad_members, mask, good=False)

    def discarded(self) -> None:
        """Count an event that an enricher has discarded."""
        self._kept.count_discarded()

    def answer(self, environ: WSGIEnvironment) -> LiveAnswer:
        """The answer to a request for one of :attr:`paths`. A fault in it is logged, and answered with 500.

        :param environ: a WSGI environ. The body of a POST is read from its ``wsgi.input``.
        """
        try:
            answer = self._answer(environ)
        except Exception:
            logger.exception("the live view failed")
            answer = text_answer(500, "The live view failed; the log says how.")
        return answer._replace(body=b"") if environ.get("REQUEST_METHOD") == "HEAD" else answer

    def _keep(
        self,
        facts: Callable[[], dict[str, Any]],
        members_of: Callable[[Frozen, Mask], str],
        mask: Mask,
        *,
        good: bool,
    ) -> None:
        try:
            frozen = freeze(facts())
        except BaseException as raised:  # an enricher, or the sink, may have left anything in the event
            if not ends_the_call_only(raised):
                raise
            self._kept.add(0, None, good=good)
        else:
            self._kept.add(frozen.size, partial(members_of, frozen, mask), good=good)

    def _answer(self, environ: WSGIEnvironment) -> LiveAnswer:
        if objection := self._guard.objection(environ):
            return self._forbid(environ, objection)
        route = self._routes[environ["PATH_INFO"]]
        if environ["REQUEST_METHOD"] not in route.methods:
            allowed = ", ".join(route.methods)
            return text_answer(405, f"The method must be one of: {allowed}.", [("Allow", allowed)])
        try:
            return route.make(environ)
        except WrongFilter as wrong:
            return json_answer(json_text({"error": str(wrong)}), 400)

    def _forbid(self, environ: WSGIEnvironment, objection: Objection) -> LiveAnswer:
        """Say why. Where the token would help, a browser gets the page, which is empty and asks for it."""
        if objection.token_helps and self._routes[environ["PATH_INFO"]].make == self._show_page:
            return make_answer(403, self._page.body, _HTML, policy=self._page.policy)
        remedy = "" if self._guard.has_token else " LiveView(token=...) lets in whoever has the token."
        return text_answer(403, f"{objection.sentence}{remedy}")

    def _show_page(self, environ: WSGIEnvironment) -> LiveAnswer:
        return make_answer(200, self._page.body, _HTML, policy=self._page.policy)

    def _show_totals(self, environ: WSGIEnvironment) -> LiveAnswer:
        counts = self._kept.snapshot().counts
        totals = {"total": counts.good + counts.bad, "good": counts.good, "bad": counts.bad}
        return json_answer(json_text(totals))

    def _show_good(self, environ: WSGIEnvironment) -> LiveAnswer:
        return self._show_list(environ, good=True)

    def _show_bad(self, environ: WSGIEnvironment) -> LiveAnswer:
        return self._show_list(environ, good=False)

    def _show_list(self, environ: WSGIEnvironment, *, good: bool) -> LiveAnswer:
        wanted = read_filter(environ)
        texts = [entry.text for entry in self._kept.snapshot().entries if entry.good == good]
        return json_answer(f"[{','.join(select(texts, wanted))}]")

    def _show_news(self, environ: WSGIEnvironment) -> LiveAnswer:
        kept = self._kept.snapshot()
        after = _after(query_of(environ).get("after", ""), kept)
        news = [entry.text for entry in kept.entries if entry.number > after]
        oldest = kept.entries[-1].number if kept.entries else kept.last + 1
        facts = {
            "view": kept.name,
            "last": kept.last,
            "oldest": oldest,
            "since": kept.since,
            "limit": self._kept.limit,
            "counts": asdict(kept.counts),
        }
        return json_answer(f'{json_text(facts)[:-1]},"events":[{",".join(news)}]}}')

    def _reset(self, environ: WSGIEnvironment) -> LiveAnswer:
        self._kept.reset()
        return self._show_totals(environ)


def _after(given: str, kept: Snapshot) -> int:
    """The number that the parameter ``after`` names: ``7``, or ``VIEW.7`` with a comma between several.

    A number of another view, such as that of another worker, says nothing about this one.

    :raises WrongFilter: if it is none.
    """
    if not given:
        return 0
    numbers = dict(pair.rpartition(".")[::2] for pair in given.split(","))
    return whole_number("after", numbers.get(kept.name, numbers.get("", "0")))


def _checked_path(path: str) -> str:
    if not isinstance(path, str):
        raise TypeError(f"path is {path!r}: give a string")
    if not path.startswith("/") or path.endswith("/") or not path.isprintable():
        raise ValueError(f"path is {path!r}: it must begin with a slash, and not end with one, such as '/_pixelmw'")
    return path


def _checked_limit(limit: int) -> int:
    if not isinstance(limit, int) or isinstance(limit, bool):
        raise TypeError(f"limit is {limit!r}: give a whole number")
    if limit < 1:
        raise ValueError(f"limit is {limit!r}: keep at least one event")
    return limit
