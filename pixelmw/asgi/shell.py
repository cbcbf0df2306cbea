"""The ASGI shell: what is ours runs in the event loop, and what is the user's in threads, or awaited."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

from ..collector import DEFAULT_ENRICHERS, DEFAULT_LIMITS, Collector, log_rejected
from ..endpoint import PixelEndpoint
from ..events import PATHS
from ..system.callables import Call, checked_asgi_application, is_awaited, is_lazy
from ..system.first_look import FirstLook, Names
from .answers import messages_of
from .calls import Awaited, Pending, keep_task
from .environ import Receive, Scope, add_body, environ_of
from .gather import gathers
from .lifespan import Lifespan
from .steps import end_without_loop, resume
from .ways import Ways

if TYPE_CHECKING:
    from ..access import Signer, Unsigned, WriteKeys
    from ..collector import Enricher
    from ..errors import Rejected
    from ..events import Event, Sink
    from ..live import LiveView
    from ..params import Limits
    from ..replies import Reply, ReplyMode
    from ..schema import TrackingPlan
    from .calls import Outcome

Send = Callable[[Any], Awaitable[None]]
ASGIApplication = Callable[[Any, Any, Any], Awaitable[None]]


class PixelASGI:
    """Wraps an ASGI application, and collects tracking pixels on a few paths of its own.

    ::

        app.add_middleware(PixelASGI, sink=sink)                # Starlette, FastAPI
        application = PixelASGI(get_asgi_application(), sink)   # Django, Quart, any other

    The arguments are those of :class:`pixelmw.PixelMiddleware`, and these:

    :param app: any ASGI application (ASGI 3.0). What is no pixel reaches it untouched.
    :param sink: as for the WSGI middleware, or an ``async def``. A plain
        callable runs in a thread. A :class:`~pixelmw.sinks.BatchSink` gets the
        events together that come while it writes; its ``write`` may be an
        ``async def``, too, and so may ``start``, ``flush`` and ``close`` of what is awaited.
    :param enrich: plain callables, which run in threads, or ``async def``.
    :param threads: the most threads for callables of the user's.
    :param max_waiting: the most events that wait for the sink or for a thread, of
        at most 16 MiB together; past it the answer is 503 at once.
    :raises TypeError: for an argument of the wrong kind, such as a WSGI application.
    :raises ValueError: for an argument of the right kind with a value that cannot work.
    :ivar app: the wrapped application.
    :ivar collector: the :class:`pixelmw.Collector` behind it.

    It runs under asyncio. Under trio it raises ``RuntimeError`` when the server starts, or at the first pixel.
    """

    def __init__(
        self,
        app: ASGIApplication,
        sink: Sink | Callable[[Event], Awaitable[object]],
        *,
        paths: Mapping[str, str] = PATHS,
        schemas: Mapping[str, Mapping[str, Any]] | None = None,
        plan: TrackingPlan | None = None,
        write_keys: WriteKeys = "any",
        signer: Signer | None = None,
        unsigned: Unsigned = "refuse",
        reply: ReplyMode | Reply = "gif",
        enrich: Iterable[Enricher | Callable[..., Awaitable[object]]] = DEFAULT_ENRICHERS,
        on_reject: Callable[[Rejected], object] = log_rejected,
        limits: Limits = DEFAULT_LIMITS,
        live: LiveView | None = None,
        threads: int = 8,
        max_waiting: int = 1000,
    ) -> None:
        if not callable(enrich) and isinstance(enrich, Iterable):
            enrich = [_awaited(enricher) for enricher in enrich]
        collector = Collector(
            _awaited(sink),
            schemas=schemas,
            plan=plan,
            write_keys=write_keys,
            signer=signer,
            unsigned=unsigned,
            enrich=enrich,
            on_reject=on_reject,
            limits=limits,
        )
        self._set_up(app, collector, paths, reply, live, threads, max_waiting)

    @classmethod
    def around(
        cls,
        app: ASGIApplication,
        collector: Collector,
        *,
        paths: Mapping[str, str] = PATHS,
        reply: ReplyMode | Reply = "gif",
        live: LiveView | None = None,
        threads: int = 8,
        max_waiting: int = 1000,
    ) -> Self:
        """Wrap *app* with the given *collector*, as :meth:`pixelmw.PixelMiddleware.around` does."""
        self = cls.__new__(cls)
        self._set_up(app, collector, paths, reply, live, threads, max_waiting)
        return self

    def _set_up(
        self,
        app: ASGIApplication,
        collector: Collector,
        paths: Mapping[str, str],
        reply: ReplyMode | Reply,
        live: LiveView | None,
        threads: int,
        max_waiting: int,
    ) -> None:
        self.app = checked_asgi_application(app)
        self._endpoint = PixelEndpoint(collector, paths=paths, reply=reply, live=live)
        self.collector = collector
        self._ways = Ways(collector.sink, threads, max_waiting)
        self._lifespan = Lifespan(app, self._ways)
        # By the path as ASGI has it, decoded: how a WSGI server spells it, and what it stands for.
        names = {path.encode("latin-1").decode(): (path, name) for path, name in self._endpoint.names.items()}
        self._names: Names = names
        # Until the first request of a process, this stands in the place of the names. It starts the sink.
        self._first_look = FirstLook(names, self._ways.start, self._look_up_in)

    def _look_up_in(self, names: Names) -> None:
        self._names = names

    @property
    def waiting(self) -> int:
        """How many events and other calls wait in this process, or are under way."""
        return self._ways.waiting

    def stats(self) -> dict[str, int]:
        """What :meth:`pixelmw.Collector.stats` returns."""
        return self.collector.stats()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = scope["path"]
            found: tuple[str, str] | None = self._names.get(path)
            # uvicorn has the root_path in front of the path, as ASGI says; hypercorn and granian have not.
            if found is None and (root := scope.get("root_path")) and path.startswith(root := root.rstrip("/")):
                found = self._names.get(path[len(root) :])
            if found is not None:
                await self._answer(*found, scope, receive, send)
                return
        elif scope["type"] == "lifespan":
            require_asyncio()
            await self._lifespan(scope, receive, send)
            return
        await self.app(scope, receive, send)

    async def _answer(self, path: str, name: str, scope: Scope, receive: Receive, send: Send) -> None:
        require_asyncio()
        environ = environ_of(scope, path)
        if scope["method"] == "POST" and (max_body := self._endpoint.max_body(name)):
            await add_body(environ, receive, max_body)
        size = len(environ["QUERY_STRING"])
        start, body = messages_of(await self._drive(self._endpoint.steps(name, environ), size), environ)
        await send(start)
        await send(body)

    async def _drive(self, steps: Generator[Call, Any, Any], size: int, call: Call | None = None) -> Any:
        """Make each call that *steps* yields; returns what it returns.

        :param size: characters of the query, for the bound of what waits.
        :param call: the one that *steps* has yielded already, if the request that began them was cancelled.
        """
        raised: BaseException | None
        try:
            if call is None:
                call = next(steps)
            while True:
                begun = self._ways.begin(*call, size)
                if isinstance(begun, Pending):
                    begun = await self._outcome_of(begun, steps, size)
                result, raised = begun
                del begun, call
                call = steps.send(result) if raised is None else steps.throw(raised)
        except StopIteration as end:
            return end.value
        finally:
            raised = None  # an error leads to this frame: they would make a circle
            self._ways.forget_if_ended(steps)

    async def _outcome_of(self, pending: Pending, steps: Generator[Call, Any, Any], size: int) -> Outcome:
        loop, context = pending.loop, contextvars.copy_context()
        try:
            return await pending.outcome(lambda late: context.run(self._go_on, steps, size, loop, late))
        except BaseException:
            self._ways.note_gone_on(steps, loop)
            self._ways.forget_if_ended(steps)
            raise

    def _go_on(
        self, steps: Generator[Call, Any, Any], size: int, loop: asyncio.AbstractEventLoop, outcome: Outcome
    ) -> None:
        """Drive the steps of a request whose client has gone away, so that it is counted as what became of it."""
        try:
            if loop.is_closed():
                end_without_loop(steps, outcome)
            # At once, as far as that goes: a loop that is about to end may not take another turn.
            elif (call := resume(steps, outcome)) is not None:
                keep_task(loop.create_task(self._drive(steps, size, call)))
        finally:
            del outcome  # an error leads to this frame: they would make a circle
            self._ways.forget_if_ended(steps)


def require_asyncio() -> None:
    """Return if an asyncio loop is running.

    :raises RuntimeError: if none is, as under trio.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        raise RuntimeError(
            "pixelmw.asgi.PixelASGI runs under asyncio only: start the server with it, such as hypercorn with "
            "--worker-class asyncio"
        ) from None


def _awaited(value: Any) -> Any:
    """*value*, or what stands for it among plain callables if its call, or the ``write`` in its place, is awaited.

    :raises TypeError: if a call of another method of it would run nothing.
    """
    if not callable(value) or isinstance(value, type):
        return value
    if not (is_awaited(value) or (gathers(value) and is_awaited(value.write))):
        return value
    for name in ("start", "flush", "close"):
        if callable(method := getattr(value, name, None)) and is_lazy(method) and not is_awaited(method):
            raise TypeError(f"the method {name} of {value!r} is {method!r}: give a plain method, or an async def")
    return Awaited(value)
