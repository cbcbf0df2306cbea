"""The middleware: the one place where application, collector and reply meet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from .collector import DEFAULT_ENRICHERS, DEFAULT_LIMITS, Collector, log_rejected, mask_write_key
from .errors import Discard, Rejected
from .events import PATHS, checked_paths
from .replies import PREFLIGHT, REPLIES, Reply, ReplyMode, for_head, given_answer, recorded, resolve_reply
from .system.callables import checked_application, checked_object, raise_if_unfinished
from .system.failures import ends_the_call_only, forget_tracebacks

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from .access import Signer, Unsigned, WriteKeys
    from .collector import Enricher
    from .events import Sink
    from .live import LiveView
    from .params import Limits

_WHICH_OF_THE_TWO = (
    "pixelmw.PixelMiddleware wraps a WSGI application, as PixelMiddleware(app, sink). "
    "In Django's MIDDLEWARE, take pixelmw.contrib.django.PixelMiddleware"
)
# What a path of the live view has in place of an event type.
_LIVE = "live view"
_Init = TypeVar("_Init", bound=Callable[..., None])


def _demands_a_sink(init: _Init) -> _Init:
    """*init* with an error for a missing sink that helps whoever put the class into Django's MIDDLEWARE."""

    @wraps(init)
    def init_with_sink(*arguments: Any, **options: Any) -> None:
        if len(arguments) == 2 and "sink" not in options:
            raise TypeError(f"the sink is missing: {_WHICH_OF_THE_TWO}")
        init(*arguments, **options)

    return cast(_Init, init_with_sink)


class PixelMiddleware:
    """Wraps a WSGI application, and collects tracking pixels on a few paths of its own.

    ::

        app.wsgi_app = PixelMiddleware(app.wsgi_app, sink)            # Flask
        application = PixelMiddleware(get_wsgi_application(), sink)   # Django

    A request to any other path reaches the application untouched. Safe to
    share between threads, and across fork.

    :param app: any WSGI application.
    :param sink: called with each event, a dict ready for JSON. The request is
        answered 200 once the sink has returned, and 503 if it raised, or 422
        if that was :class:`pixelmw.sinks.Undeliverable`.
    :param paths: exact ``PATH_INFO`` to event type, one of ``page track
        identify group alias screen``. A second slash in front makes no difference.
    :param schemas: event type to a JSON Schema (draft 2020-12 unless it says
        otherwise) that replaces the bundled one. It may refer to the bundled
        ones as ``urn:pixelmw:track`` and so on.
    :param write_keys: ``"any"`` (a key must be present, and is not checked),
        ``"optional"`` (none is needed), a collection of keys, a mapping from
        key to source name, or a callable from key to source name or ``None``.
    :param signer: tells the links that :class:`pixelmw.links.Links` made with the
        same :class:`~pixelmw.links.Signer` from all others.
    :param unsigned: with a signer, what becomes of links without a signature:
        ``"refuse"`` or ``"allow"``.
    :param reply: ``"gif"``, ``"ok"``, ``"auto"``, ``"always-gif"``, or an object
        with the methods of :class:`pixelmw.replies.Reply`.
    :param enrich: callables that take an event and a Werkzeug request. They are
        called in order before validation. If one raises :class:`Discard`, the
        request is answered as accepted and nothing is stored; if one raises
        :class:`Rejected`, the request is refused. What they leave must be JSON.
    :param on_reject: called with each :class:`Rejected`. The default logs one
        line without any value to ``pixelmw.requests``.
    :param limits: how much one request may hold.
    :param live: a :class:`pixelmw.live.LiveView`, which shows what becomes of
        each request, and answers on paths of its own.
    :raises TypeError: for an argument of the wrong kind. That includes an
        ``async def``, a generator function or a class in place of anything
        that is called in a request, and an ASGI application.
    :raises ValueError: for an argument of the right kind with a value that cannot work.
    :ivar app: the wrapped application.
    :ivar collector: the :class:`Collector` behind it.
    """

    @_demands_a_sink
    def __init__(
        self,
        app: WSGIApplication,
        sink: Sink,
        *,
        paths: Mapping[str, str] = PATHS,
        schemas: Mapping[str, Mapping[str, Any]] | None = None,
        write_keys: WriteKeys = "any",
        signer: Signer | None = None,
        unsigned: Unsigned = "refuse",
        reply: ReplyMode | Reply = "gif",
        enrich: Iterable[Enricher] = DEFAULT_ENRICHERS,
        on_reject: Callable[[Rejected], object] = log_rejected,
        limits: Limits = DEFAULT_LIMITS,
        live: LiveView | None = None,
    ) -> None:
        collector = Collector(
            sink,
            schemas=schemas,
            write_keys=write_keys,
            signer=signer,
            unsigned=unsigned,
            enrich=enrich,
            on_reject=on_reject,
            limits=limits,
        )
        self._set_up(app, collector, paths, reply, live)

    @classmethod
    def around(
        cls,
        app: WSGIApplication,
        collector: Collector,
        *,
        paths: Mapping[str, str] = PATHS,
        reply: ReplyMode | Reply = "gif",
        live: LiveView | None = None,
    ) -> Self:
        """A middleware that wraps *app* and has the given *collector*, instead of making one.

        Use it if several middlewares are to share a collector, or if a test
        gives the collector a clock of its own. The class says what the other
        arguments mean, and what is raised.
        """
        self = cls.__new__(cls)
        self._set_up(app, collector, paths, reply, live)
        return self

    def _set_up(
        self,
        app: WSGIApplication,
        collector: Collector,
        paths: Mapping[str, str],
        reply: ReplyMode | Reply,
        live: LiveView | None,
    ) -> None:
        self.app = checked_application(app)
        if not isinstance(collector, Collector):
            raise TypeError(f"collector is {collector!r}: give a pixelmw.Collector")
        self.collector = collector
        self._reply = _checked_reply(reply)
        self._reply_is_the_users = not isinstance(reply, str)
        self._event_types = checked_paths(paths, collector.event_types)
        self._live = _checked_live(live, self._event_types)
        if self._live is not None:
            self._event_types |= dict.fromkeys(self._live.paths, _LIVE)

    def stats(self) -> dict[str, int]:
        """What :meth:`Collector.stats` returns."""
        return self.collector.stats()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse | None = None) -> Iterable[bytes]:
        if start_response is None:
            raise TypeError(f"start_response is missing: {_WHICH_OF_THE_TWO}")
        event_type = self._event_types.get(environ.get("PATH_INFO", ""))
        if event_type is None:
            return self.app(environ, start_response)
        if event_type is _LIVE and self._live is not None:
            return given_answer(*self._live.answer(environ))(environ, start_response)
        return self._answer_pixel(event_type, environ)(environ, start_response)

    def _answer_pixel(self, event_type: str, environ: WSGIEnvironment) -> WSGIApplication:
        method = environ["REQUEST_METHOD"]
        if method == "OPTIONS":
            return PREFLIGHT
        if method == "HEAD":
            return for_head(self._reply_for(environ, None))
        if method == "GET":
            # No variable here holds the refusal. Its traceback leads back to this frame, and they would make a circle.
            return self._reply_for(environ, self._collect(event_type, environ))
        message = "the method must be GET, HEAD or OPTIONS"
        return self._reply_for(environ, self._shown(self.collector.refuse(event_type, environ, "bad-method", message)))

    def _collect(self, event_type: str, environ: WSGIEnvironment) -> Rejected | None:
        """Collect one event. Returns the refusal to answer with, or ``None`` if the event counts as accepted."""
        try:
            event = self.collector.collect(event_type, environ)
        except Discard as discard:
            forget_tracebacks(discard)
            if self._live is not None:
                self._live.discarded()
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
        if self._live is not None:
            self._live.accepted(event, mask_write_key)
        return None

    def _shown(self, refusal: Rejected) -> Rejected:
        """*refusal*, once the live view has it."""
        if self._live is not None:
            self._live.refused(refusal, mask_write_key)
        return refusal

    def _reply_for(self, environ: WSGIEnvironment, refusal: Rejected | None) -> WSGIApplication:
        """The answer of the reply, or of "gif" if the reply fails."""
        try:
            answer = _answer_of(self._reply, environ, refusal)
            if not self._reply_is_the_users:
                return answer
            raise_if_unfinished("reply", self._reply, answer)
            return recorded(self._reply, answer, environ)
        except BaseException as raised:
            if not ends_the_call_only(raised):
                raise
            event = refusal.event if refusal else None
            self.collector.log_failure("the reply %r failed", self._reply, raised=raised, environ=environ, event=event)
            forget_tracebacks(raised)
        return _answer_of(REPLIES["gif"], environ, refusal)


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
