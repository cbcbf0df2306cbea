"""What the setting ``PIXELMW`` describes: read when it is first needed, and forgotten when it changes.

=============  =======================================================================
When           What happens
=============  =======================================================================
first request  :func:`middleware` makes the WSGI middleware, or says all that is wrong
first tag      :func:`links` makes the builder of URLs; it needs no sink
PIXELMW        both are forgotten, and a sink that was made here is closed
changed
=============  =======================================================================
"""

# Django comes without types.
# mypy: disallow-subclassing-any=False

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.servers.basehttp import get_internal_wsgi_application
from django.core.signals import setting_changed
from django.utils.functional import Promise

from ...events import Sink
from ...middleware import PixelMiddleware
from ...sinks.base import close_sink
from ...system.threads import background_threads_run
from ..options import ARGUMENTS, TAG_ARGUMENTS, import_dotted, resolve, unknown_names
from ..page_links import PageLinks

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

#: All keys of ``PIXELMW``: the arguments of the middleware, and those of the template tags, in capitals.
KEYS = tuple(name.upper() for name in dict.fromkeys((*ARGUMENTS, *TAG_ARGUMENTS)))

#: What the WSGI middleware returns for a path that is not its own.
NOT_OURS: list[bytes] = []


class Problem(NamedTuple):
    """One thing that is wrong with the setting.

    :ivar id: that of the system check.
    """

    id: str
    message: str
    hint: str | None = None


class WrongSetting(ImproperlyConfigured):
    """The setting ``PIXELMW`` cannot work.

    :ivar problems: all that is wrong with it.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__(" ".join(f"{problem.message} {problem.hint or ''}".strip() for problem in self.problems))


class _Made:
    """What was made of the setting so far."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.middleware: PixelMiddleware | None = None
        self.own_sink: Sink | None = None
        self.links: PageLinks | None = None


_made = _Made()


def middleware() -> PixelMiddleware:
    """The WSGI middleware that the setting describes. For a path that is not its own, it returns :data:`NOT_OURS`.

    :raises WrongSetting: if the setting cannot work.
    """
    made = _made.middleware
    if made is None:
        with _made.lock:
            made = _made.middleware = _made.middleware or _make_middleware()
    return made


def links() -> PageLinks:
    """The builder of the URLs for the template tags.

    :raises WrongSetting: if the setting cannot work.
    """
    made = _made.links
    if made is None:
        with _made.lock:
            made = _made.links = _made.links or _make_links()
    return made


def __getattr__(name: str) -> Any:
    """``application`` is the project's, and ``sink`` the one that the setting describes: for the command line."""
    if name == "sink":
        return middleware().collector.sink
    if name == "application":
        return get_internal_wsgi_application()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def forget(*, setting: str, **kwargs: object) -> None:
    """Forget what was made, if it was made of the setting that has changed."""
    if setting != "PIXELMW":
        return
    with _made.lock:
        sink, _made.middleware, _made.own_sink, _made.links = _made.own_sink, None, None, None
    close_sink(sink)


setting_changed.connect(forget)


def setting() -> Mapping[str, Any]:
    """The setting as it stands.

    :raises WrongSetting: if it is no dict.
    """
    found = getattr(settings, "PIXELMW", {})
    if not isinstance(found, Mapping):
        raise WrongSetting([Problem("pixelmw.E004", f"PIXELMW is {type(found).__name__}: give a dict.")])
    return found


def _make_middleware() -> PixelMiddleware:
    given = setting()
    problems = [
        Problem(
            "pixelmw.E001",
            f"PIXELMW has the unknown key {name!r}.",
            f"Did you mean {near!r}?" if near else f"Known are {', '.join(KEYS)}.",
        )
        for name, near in unknown_names(given, KEYS).items()
    ]
    arguments: dict[str, Any] = {}
    for name in ARGUMENTS:
        if (key := name.upper()) in given:
            try:
                arguments[name] = resolve(name, given[key])
            except Exception as error:
                problems.append(_cannot_be_resolved(key, given[key], error))
    if "SINK" not in given:
        hint = 'Give any callable that takes an event, such as "pixelmw.contrib.django.ModelSink".'
        problems.append(Problem("pixelmw.E002", "PIXELMW has no SINK.", hint))
    if problems:
        raise WrongSetting(problems)
    try:
        made = PixelMiddleware(_not_ours, **arguments)
    except (TypeError, ValueError) as error:
        raise WrongSetting([Problem("pixelmw.E004", f"PIXELMW cannot work: {error}.")]) from error
    # One that was made here is ours to close. What was imported as it is belongs to whoever made it.
    if isinstance(import_dotted(given["SINK"]), type):
        _made.own_sink = arguments["sink"]
    return made


def _cannot_be_resolved(key: str, value: object, error: Exception) -> Problem:
    shown = value if isinstance(value, str | list | tuple) else type(value).__name__
    message = f"PIXELMW[{key!r}] is {shown!r}, which cannot be made: {type(error).__name__}: {error}."
    if isinstance(error, RuntimeError) and not background_threads_run():
        return Problem("pixelmw.E003", message)
    return Problem("pixelmw.E002" if key == "SINK" else "pixelmw.E004", message)


def _not_ours(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    return NOT_OURS


def _make_links() -> PageLinks:
    given = setting()
    try:
        options = {name: resolve(name, given[name.upper()]) for name in TAG_ARGUMENTS if name.upper() in given}
        return PageLinks(**options, text_types=(Promise,))  # a lazy translation
    except (ImportError, TypeError, ValueError) as error:
        raise WrongSetting([Problem("pixelmw.E004", f"PIXELMW cannot work: {error}.")]) from error
