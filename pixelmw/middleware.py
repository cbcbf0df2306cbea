"""The middleware: the one place where application, collector and reply meet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from .collector import DEFAULT_ENRICHERS, DEFAULT_LIMITS, Collector, log_rejected
from .endpoint import PixelEndpoint
from .events import PATHS
from .system.callables import checked_application, run_calls
from .system.first_look import FirstLook, Names

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from .access import Signer, Unsigned, WriteKeys
    from .collector import Enricher
    from .errors import Rejected
    from .events import Sink
    from .live import LiveView
    from .params import Limits
    from .replies import Reply, ReplyMode
    from .schema import TrackingPlan

_WHICH_OF_THE_TWO = (
    "pixelmw.PixelMiddleware wraps a WSGI application, as PixelMiddleware(app, sink). "
    "In Django's MIDDLEWARE, take pixelmw.contrib.django.PixelMiddleware"
)
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
        if that was :class:`pixelmw.sinks.Undeliverable`. If it has a method
        ``start``, the first request of any path in each process calls that.
    :param paths: exact ``PATH_INFO`` to event type, one of ``page track
        identify group alias screen``. A second slash in front makes no difference.
    :param schemas: event type to a JSON Schema (draft 2020-12 unless it says
        otherwise) that replaces the bundled one. It may refer to the bundled
        ones as ``urn:pixelmw:track`` and so on.
    :param plan: a :class:`TrackingPlan`: what each named event must hold besides.
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
        plan: TrackingPlan | None = None,
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
            plan=plan,
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
        self._endpoint = PixelEndpoint(collector, paths=paths, reply=reply, live=live)
        self._names: Names = self._endpoint.names
        # Until the first request of a process, this stands in the place of the names. It starts the sink.
        self._first_look = FirstLook(self._endpoint.names, self._endpoint.start, self._look_up_in)
        self.collector = collector

    def _look_up_in(self, names: Names) -> None:
        self._names = names

    @property
    def paths(self) -> Mapping[str, str]:
        """Path to event type, as a WSGI server spells it."""
        return self._endpoint.paths

    @property
    def live(self) -> LiveView | None:
        """The live view, or ``None``."""
        return self._endpoint.live

    def show_in(self, live: LiveView | None) -> None:
        """Show what becomes of each request in *live*, and in no other live view from now on."""
        self._endpoint.show_in(live)
        self._first_look.replace(self._endpoint.names)

    def start(self) -> None:
        """Start the sink, if it has a ``start`` and no request of this process has done so.

        A server's hook may call it in each worker, so that what a dead process left waits for no visitor.
        """
        self._first_look.end()

    @property
    def is_started(self) -> bool:
        """Whether the sink was started in this process."""
        return self._first_look.is_over

    def stats(self) -> dict[str, int]:
        """What :meth:`Collector.stats` returns."""
        return self.collector.stats()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse | None = None) -> Iterable[bytes]:
        if start_response is None:
            raise TypeError(f"start_response is missing: {_WHICH_OF_THE_TWO}")
        name = self._names.get(environ.get("PATH_INFO", ""))
        if name is None:
            return self.app(environ, start_response)
        return run_calls(self._endpoint.steps(name, environ))(environ, start_response)
