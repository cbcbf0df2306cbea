"""The middleware: the one place where application, collector and reply meet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from .access import WriteKeys, mask_write_key
from .collector import Collector, Enricher
from .enrich import client_context
from .errors import Discard, Rejected
from .events import EVENT_TYPES, Sink
from .params import Limits
from .replies import PREFLIGHT, REPLIES, Reply, find_reply, without_body
from .request_log import log_rejected, logger

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

#: Where events come in unless told otherwise: ``PATH_INFO`` to event type.
PATHS: Mapping[str, str] = MappingProxyType({"/pixel/v1/page": "page", "/pixel/v1/track": "track"})


class PixelMiddleware:
    """Wraps a WSGI application and collects tracking pixels on a few paths of its own.

    ::

        app.wsgi_app = PixelMiddleware(app.wsgi_app, sink)            # Flask
        application = PixelMiddleware(get_wsgi_application(), sink)   # Django

    A request to any other path reaches the application untouched. Safe to
    share between threads, and across fork.

    :param app: any WSGI application.
    :param sink: called with each event, a dict ready for JSON; the request is
        answered 200 once it has returned, and 503 where it raised.
    :param paths: exact ``PATH_INFO`` to event type, one of ``page track
        identify group alias screen``.
    :param schemas: event type to a JSON Schema (draft 2020-12 unless it says
        otherwise) that replaces the bundled one. It may refer to the bundled
        ones as ``urn:pixelmw:track`` and so on.
    :param write_keys: ``"any"`` (one must be present), ``"optional"``, a
        collection of keys, a mapping from key to source name, or a callable
        from key to source name or ``None``.
    :param reply: ``"gif"``, ``"ok"``, ``"auto"``, ``"always-gif"``, or an object
        with the methods of :class:`pixelmw.replies.Reply`.
    :param enrich: callables that take an event and a Werkzeug request, run in
        order before validation. One that raises :class:`Discard` has the
        request answered as accepted, with nothing stored.
    :param on_reject: called with each :class:`Rejected`; the default logs one
        line without any value.
    :param limits: how much one request may hold.
    :raises TypeError: for an argument of the wrong kind.
    :raises ValueError: for one of the right kind that cannot work.
    :ivar app: the wrapped application.
    :ivar collector: the :class:`Collector` behind it.
    """

    def __init__(
        self,
        app: WSGIApplication,
        sink: Sink,
        *,
        paths: Mapping[str, str] = PATHS,
        schemas: Mapping[str, Mapping[str, Any]] | None = None,
        write_keys: WriteKeys = "any",
        reply: str | Reply = "gif",
        enrich: Iterable[Enricher] = (client_context,),
        on_reject: Callable[[Rejected], object] = log_rejected,
        limits: Limits = Limits(),  # noqa: B008 - it is immutable
    ) -> None:
        if not callable(app):
            raise TypeError(f"app is {app!r}: give a WSGI application; of a Flask app, its wsgi_app")
        self.app = app
        self.collector = Collector(
            sink, schemas=schemas, write_keys=write_keys, enrich=enrich, on_reject=on_reject, limits=limits
        )
        self._reply = find_reply(reply)
        self._event_types = _check_paths(paths)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        event_type = self._event_types.get(environ.get("PATH_INFO", ""))
        if event_type is None:
            return self.app(environ, start_response)
        return self._answer(event_type, environ)(environ, start_response)

    def _answer(self, event_type: str, environ: WSGIEnvironment) -> WSGIApplication:
        method = environ["REQUEST_METHOD"]
        if method == "OPTIONS":
            return PREFLIGHT
        refusal = None
        if method == "GET":
            refusal = self._collect(event_type, environ)
        elif method != "HEAD":
            query = partial(mask_write_key, environ.get("QUERY_STRING", ""))
            what = "the method must be GET, HEAD or OPTIONS"
            refusal = Rejected("bad-method", what, event_type=event_type, query=query)
            self.collector.reject(refusal)
        answer = self._reply_to(environ, refusal)
        return without_body(answer) if method == "HEAD" else answer

    def _collect(self, event_type: str, environ: WSGIEnvironment) -> Rejected | None:
        try:
            self.collector.collect(event_type, environ)
        except Discard:
            return None
        except Rejected as refusal:
            return refusal
        except Exception:
            logger.exception("a %s event was not stored", event_type)
            return Rejected("unavailable", "the event could not be stored", event_type=event_type)
        return None

    def _reply_to(self, environ: WSGIEnvironment, refusal: Rejected | None) -> WSGIApplication:
        reply = self._reply
        try:
            return reply.accepted(environ) if refusal is None else reply.refused(environ, refusal)
        except Exception:
            logger.exception("the reply %r failed", reply)
        reply = REPLIES["gif"]
        return reply.accepted(environ) if refusal is None else reply.refused(environ, refusal)


def _check_paths(paths: Mapping[str, str]) -> dict[str, str]:
    """*paths* with each path as a WSGI server spells it."""
    if not isinstance(paths, Mapping):
        raise TypeError(f"paths is {paths!r}: it maps paths to event types")
    if not paths:
        raise ValueError("paths is empty, so that no pixel could be reached")
    for path, event_type in paths.items():
        if not isinstance(path, str) or not path.startswith("/"):
            raise ValueError(f"paths has {path!r}: a path is a string that begins with a slash")
        if event_type not in EVENT_TYPES:
            raise ValueError(f"paths has the unknown event type {event_type!r}; known are {', '.join(EVENT_TYPES)}")
    return {path.encode().decode("latin-1"): event_type for path, event_type in paths.items()}
