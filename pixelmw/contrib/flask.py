"""The middleware as a Flask extension: options in ``app.config``, Flask's contexts for sink and enrichers, Jinja."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

try:
    import click
    from flask import Flask, current_app, has_request_context, request
    from flask.cli import with_appcontext
except ImportError as error:
    raise ImportError("pixelmw.contrib.flask needs Flask 3: pip install pixelmw[flask]") from error

from ..cli.main import main
from ..collector import DEFAULT_ENRICHERS, Collector, Enricher
from ..errors import Rejected
from ..events import Event
from ..middleware import PixelMiddleware
from ..system.callables import Call
from .options import ARGUMENTS, TAG_ARGUMENTS, command_defaults, resolve, unknown_names
from .page_links import PageLinks

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

    from markupsafe import Markup
    from werkzeug.wrappers import Request

__all__ = ["Pixels"]

_PREFIX = "PIXELMW_"
_OPTIONS = tuple(dict.fromkeys((*ARGUMENTS, *TAG_ARGUMENTS)))
# What belongs to the middleware and not to its collector.
_OF_THE_MIDDLEWARE = {*inspect.signature(PixelMiddleware.around).parameters} - {"app", "collector"}
# Where a request's environ has what its contexts are left by.
_CONTEXTS = "pixelmw.flask.contexts"


class Pixels:
    """Collects pixels in a Flask application.

    ::

        pixels = Pixels(app, sink=sink)

    or, with an application factory::

        pixels = Pixels()
        pixels.init_app(app, sink=sink)

    The options are the arguments of :class:`pixelmw.PixelMiddleware`. They may
    also stand in ``app.config``, in capitals and with ``PIXELMW_`` in front,
    where a value may be a dotted path. The ones that are given here count first.
    It keeps nothing of an application, so one ``Pixels`` serves any number of them.

    Sink and enrichers run in a request context: ``session``, ``g`` and
    ``current_app`` are those of the request. What they change in the session is
    not sent. No view, ``before_request`` or ``after_request`` is called; the
    functions of ``teardown_request`` and ``teardown_appcontext`` are.

    In Jinja, ``pixel("track", event="Opened", user_id=user.id)`` is the
    ``<img>`` of a pixel, and ``pixel_url`` its URL, with the arguments of the
    method of :class:`pixelmw.links.Links` with that name. They carry
    ``PIXELMW_WRITE_KEY``, and are absolute where ``PIXELMW_BASE_URL`` is set.
    ``flask pixelmw`` runs the commands of ``python -m pixelmw`` with this application.

    :param app: the application; without one, call :meth:`init_app`.
    :raises TypeError: for an option of the wrong kind, or no sink.
    :raises ValueError: for an unknown option, or one that cannot work.
    :raises RuntimeError: for an application that has pixels already.
    """

    def __init__(self, app: Flask | None = None, **options: Any) -> None:
        self._options = options
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask, **options: Any) -> None:
        """Wrap ``app.wsgi_app``, with the options that the class describes."""
        if "pixelmw" in app.extensions:
            raise RuntimeError(f"{app!r} has pixels already: call init_app once for each application")
        resolved = _resolved(app.config, self._options | options)
        links = PageLinks(**{name: resolved[name] for name in TAG_ARGUMENTS if name in resolved})
        arguments = {name: value for name, value in resolved.items() if name in ARGUMENTS}
        of_the_middleware = {name: arguments.pop(name) for name in _OF_THE_MIDDLEWARE & arguments.keys()}
        enrich = arguments.pop("enrich", DEFAULT_ENRICHERS)
        if isinstance(enrich, Iterable) and not callable(enrich):  # else the collector says what is wrong with it
            enrich = (_enter_request_context(app), *enrich)
        collector = _FlaskCollector(app, enrich=enrich, **arguments)
        middleware = PixelMiddleware.around(app.wsgi_app, collector, **of_the_middleware)
        app.extensions["pixelmw"] = middleware
        app.wsgi_app = middleware  # type: ignore[method-assign]  # Flask's own way to wrap
        app.jinja_env.globals.update(_jinja_globals(links))
        app.cli.add_command(_command)


def _resolved(config: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The options by the names of the arguments: those of *config*, and those that were *given*, which count first."""
    configured = {name.removeprefix(_PREFIX): value for name, value in config.items() if name.startswith(_PREFIX)}
    wrong = [
        *((f"{_PREFIX}{name}", near and f"{_PREFIX}{near}") for name, near in _unknown(configured, upper=True)),
        *_unknown(given, upper=False),
    ]
    for name, near in wrong:
        remedy = f"did you mean {near}?" if near else f"known are {', '.join(_OPTIONS)}"
        raise ValueError(f"{name} is an unknown option; {remedy}")
    merged = {name.lower(): value for name, value in configured.items()} | dict(given)
    if merged.get("sink") is None:
        raise TypeError("there is no sink: give sink=, or set PIXELMW_SINK in app.config")
    return {name: resolve(name, value) for name, value in merged.items()}


def _unknown(names: Mapping[str, Any], *, upper: bool) -> list[tuple[str, str | None]]:
    known = [name.upper() if upper else name for name in _OPTIONS]
    return list(unknown_names(names, known).items())


class _FlaskCollector(Collector):
    """A collector that works in an application context, and leaves the request context that an enricher entered."""

    def __init__(self, app: Flask, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._app = app

    def steps(self, event_type: str, environ: WSGIEnvironment) -> Generator[Call, Any, Event]:
        """Store the event, as :class:`Collector` does, in Flask's contexts."""
        with self._contexts() as contexts:
            return (yield from super().steps(event_type, {**environ, _CONTEXTS: contexts}))

    def refusal_steps(
        self, event_type: str, environ: WSGIEnvironment, code: str, message: str
    ) -> Generator[Call, Any, Rejected]:
        """Refuse a request, as :class:`Collector` does, in an application context."""
        with self._contexts():
            return (yield from super().refusal_steps(event_type, environ, code, message))

    @contextmanager
    def _contexts(self) -> Iterator[ExitStack]:
        contexts = ExitStack()
        contexts.enter_context(self._app.app_context())
        try:
            yield contexts
        finally:
            try:
                contexts.close()
            except Exception:  # a teardown function failed; by now the event is stored or refused
                self._app.logger.exception("a teardown function failed after a pixel")


def _enter_request_context(app: Flask) -> Enricher:
    """The first enricher: a fault of the session or of the routes is a fault of an enricher then."""

    def enter_request_context(event: Event, request: Request) -> None:
        contexts: ExitStack = request.environ[_CONTEXTS]
        _ = request.headers  # builds the request, whose environ then holds no bytes that Werkzeug cannot read again
        contexts.enter_context(app.request_context({**request.environ}))

    return enter_request_context


def _jinja_globals(links: PageLinks) -> dict[str, Any]:
    def pixel_url(event_type: str, *arguments: Any, **fields: Any) -> str:
        return links.url(_mounted_at(), event_type, *arguments, **fields)

    def pixel(event_type: str, *arguments: Any, **fields: Any) -> Markup:
        return links.img(_mounted_at(), event_type, *arguments, **fields)

    return {"pixel": pixel, "pixel_url": pixel_url}


def _mounted_at() -> str:
    return request.script_root if has_request_context() else str(current_app.config.get("APPLICATION_ROOT") or "")


@click.command("pixelmw", add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@with_appcontext
def _command(arguments: tuple[str, ...]) -> None:
    """Run a command of python -m pixelmw; its application and its sink are those of the application by default."""
    with command_defaults("pixelmw.contrib.flask:sink", "pixelmw.contrib.flask:app"):
        sys.exit(main(arguments))


def __getattr__(name: str) -> Any:
    """``app`` is the current application and ``sink`` its sink, for ``drain --sink pixelmw.contrib.flask:sink``."""
    if name == "sink":
        return current_app.extensions["pixelmw"].collector.sink
    if name == "app":
        return current_app._get_current_object()  # type: ignore[attr-defined]  # of werkzeug's LocalProxy
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
