"""What answers on the paths of the pixels: what all shells have in common, in steps that each of them drives."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from .collector import Collector, logger, mask_write_key
from .errors import Discard, Rejected
from .events import PATHS, checked_paths
from .replies import PREFLIGHT, REPLIES, Reply, ReplyMode, for_head, given_answer, recorded, resolve_reply
from .system.callables import Call, checked_object, raise_if_unfinished
from .system.failures import ends_the_call_only, forget_tracebacks

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication, WSGIEnvironment

    from .live import LiveView

# What a path of the live view has in place of an event type.
_LIVE = "live view"


class PixelEndpoint:
    """Answers requests for pixels by a collector and a reply, and those for the live view.

    The arguments are those of :class:`pixelmw.PixelMiddleware`.

    :ivar paths: path to event type, as a WSGI server spells it.
    :ivar live: the live view, or ``None``.
    :ivar names: each path that is answered, as a WSGI server spells it, to a name for :meth:`steps`.
    :raises TypeError: for an argument of the wrong kind.
    :raises ValueError: for an argument of the right kind with a value that cannot work.
    """

    def __init__(
        self,
        collector: Collector,
        *,
        paths: Mapping[str, str] = PATHS,
        reply: ReplyMode | Reply = "gif",
        live: LiveView | None = None,
    ) -> None:
        if not isinstance(collector, Collector):
            raise TypeError(f"collector is {collector!r}: give a pixelmw.Collector")
        self.collector = collector
        self._reply = _checked_reply(reply)
        self._reply_is_the_users = not isinstance(reply, str)
        self.paths = checked_paths(paths, collector.event_types)
        self.show_in(live)

    def show_in(self, live: LiveView | None) -> None:
        """Show what becomes of each request in *live*, and in no other live view from now on."""
        self.live = _checked_live(live, self.paths)
        self.names = self.paths | dict.fromkeys(self.live.paths if self.live else (), _LIVE)

    def start(self) -> None:
        """Start the sink, if it has a ``start``. What that raises is logged, as far as it is not to end the process."""
        sink = self.collector.sink
        if not callable(start := getattr(sink, "start", None)):
            return
        try:
            raise_if_unfinished("the method start", start, start())
        except BaseException as raised:
            if not ends_the_call_only(raised):
                raise
            logger.exception("%r could not be started; its first event will try again", sink)

    def steps(self, name: str, environ: WSGIEnvironment) -> Generator[Call, Any, WSGIApplication]:
        """Answer a request, in steps as those of :meth:`Collector.steps`.

        :param name: what the path stands for, by :attr:`names`.
        :return: the answer.
        """
        if name is _LIVE and self.live is not None:
            try:
                answer = yield self.live.answer, (environ,)  # its texts may take a while
            except Exception:  # too much waits for the shell to make another call
                answer = self.live.answer(environ)
            return given_answer(*answer)
        method = environ["REQUEST_METHOD"]
        if method == "OPTIONS":
            return PREFLIGHT
        if method == "HEAD":
            return for_head((yield from self._reply_to(environ, None)))
        # No variable here holds the refusal. Its traceback leads back to this frame, and they would make a circle.
        if self._reply_is_the_users:
            return (yield from self._reply_to(environ, (yield from self._collect(name, environ))))
        return _answer_of(self._reply, environ, (yield from self._collect(name, environ)))

    def max_body(self, name: str) -> int:
        """How much of the body of a request is read, in bytes. A pixel has none.

        :param name: as for :meth:`steps`.
        """
        return self.live.max_body if name is _LIVE and self.live is not None else 0

    def _collect(self, event_type: str, environ: WSGIEnvironment) -> Generator[Call, Any, Rejected | None]:
        """Collect one event. Returns the refusal to answer with, or ``None`` if the event counts as accepted."""
        if environ["REQUEST_METHOD"] != "GET":
            message = "the method must be GET, HEAD or OPTIONS"
            steps = self.collector.refusal_steps(event_type, environ, "bad-method", message)
            return self._shown((yield from steps))
        try:
            event = yield from self.collector.steps(event_type, environ)
        except Discard as discard:
            forget_tracebacks(discard)
            if self.live is not None:
                self.live.discarded()
            return None
        except Rejected as refusal:
            return self._shown(refusal)
        except BaseException as raised:
            if not ends_the_call_only(raised):
                raise
            forget_tracebacks(raised)
            query = partial(mask_write_key, environ.get("QUERY_STRING", ""))
            message = "the event could not be stored"
            return self._shown(Rejected("unavailable", message, event_type=event_type, query=query))
        if self.live is not None:
            self.live.accepted(event, mask_write_key)
        return None

    def _shown(self, refusal: Rejected) -> Rejected:
        """*refusal*, once the live view has it."""
        if self.live is not None:
            self.live.refused(refusal, mask_write_key)
        return refusal

    def _reply_to(self, environ: WSGIEnvironment, refusal: Rejected | None) -> Generator[Call, Any, WSGIApplication]:
        """The answer of the reply, or of "gif" if the reply fails."""
        if not self._reply_is_the_users:
            return _answer_of(self._reply, environ, refusal)
        try:
            answer: WSGIApplication = yield self._users_answer, (environ, refusal)
            return answer
        except BaseException as raised:
            if not ends_the_call_only(raised):
                raise
            event = refusal.event if refusal else None
            self.collector.reporter.log_failure(
                "the reply %r failed", self._reply, raised=raised, environ=environ, event=event
            )
            forget_tracebacks(raised)
        return _answer_of(REPLIES["gif"], environ, refusal)

    def _users_answer(self, environ: WSGIEnvironment, refusal: Rejected | None) -> WSGIApplication:
        answer = _answer_of(self._reply, environ, refusal)
        raise_if_unfinished("reply", self._reply, answer)
        return recorded(self._reply, answer, environ)


def _answer_of(reply: Reply, environ: WSGIEnvironment, refusal: Rejected | None) -> WSGIApplication:
    return reply.accepted(environ) if refusal is None else reply.refused(environ, refusal)


def _checked_reply(reply: ReplyMode | Reply) -> Reply:
    remedy = "a name, or an object whose methods accepted and refused return WSGI applications"
    return checked_object("reply", resolve_reply(reply), ("accepted", "refused"), remedy)


def _checked_live(live: LiveView | None, pixel_paths: Iterable[str]) -> LiveView | None:
    """*live*, if it is a live view whose paths are free."""
    if live is not None:
        checked_object("live", live, ("accepted", "refused", "discarded", "answer"), "a pixelmw.live.LiveView()")
        if taken := sorted(set(live.paths) & set(pixel_paths)):
            raise ValueError(f"live is {live!r}, and {taken[0]!r} is the path of a pixel: give it another path")
    return live
