"""The system checks: what is wrong with the setting, and what stands in the way of a pixel.

============ =================================================================
pixelmw.E001 an unknown key of ``PIXELMW``
pixelmw.E002 the sink is missing, or cannot be made
pixelmw.E003 the sink needs a background thread, and this server runs none
pixelmw.E004 another value of ``PIXELMW`` cannot work
pixelmw.E005 the middleware for WSGI stands in ``MIDDLEWARE``
pixelmw.W001 middleware above would redirect or refuse pixels
pixelmw.W002 the live view outside ``DEBUG``
pixelmw.W003 ``wsgi.py`` has the middleware, too, and answers first
pixelmw.W004 there is a sink, and no middleware
============ =================================================================
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.http.request import split_domain_port, validate_host
from django.middleware.common import CommonMiddleware
from django.middleware.security import SecurityMiddleware
from django.utils.module_loading import import_string

from ...events import PATHS
from ...middleware import PixelMiddleware as WSGIPixelMiddleware
from ..options import resolve
from . import project
from .middleware import PixelMiddleware
from .wsgi_module import wraps_pixels

#: ``manage.py check --tag pixelmw`` runs these checks alone.
TAG = "pixelmw"

_OURS = "pixelmw.contrib.django.PixelMiddleware"


def check_settings(app_configs: object = None, **kwargs: object) -> list[checks.CheckMessage]:
    """All that ``manage.py check`` says about pixels."""
    positions = [place for place, name in enumerate(settings.MIDDLEWARE) if _is(name, PixelMiddleware)]
    wrapped_outside = wraps_pixels(getattr(settings, "WSGI_APPLICATION", None))
    found = [*_wsgi_middleware_inside()]
    if positions or hasattr(settings, "PIXELMW"):
        found += _check_setting()
    if positions:
        found += _check_place(settings.MIDDLEWARE[: positions[0]])
        if wrapped_outside:
            message = f"{settings.WSGI_APPLICATION} wraps the project in pixelmw.PixelMiddleware, which answers first."
            hint = f"Take it out there, or {_OURS} out of MIDDLEWARE: the sink of PIXELMW gets nothing."
            found.append(checks.Warning(message, hint, id="pixelmw.W003"))
    elif not wrapped_outside and not found and "SINK" in _given():
        message = f"PIXELMW has a SINK, and MIDDLEWARE has no {_OURS}: a pixel is not found."
        found.append(checks.Warning(message, f"Put {_OURS!r} first in MIDDLEWARE.", id="pixelmw.W004"))
    return found


def _is(name: str, kind: type) -> bool:
    """Whether *name*, an entry of ``MIDDLEWARE``, is *kind* or a subclass of it."""
    try:
        entry = import_string(name)
    except Exception:  # Django itself will say what is wrong with it
        return False
    return isinstance(entry, type) and issubclass(entry, kind)


def _wsgi_middleware_inside() -> Iterator[checks.CheckMessage]:
    for name in settings.MIDDLEWARE:
        if _is(name, WSGIPixelMiddleware):
            yield checks.Error(
                f"MIDDLEWARE has {name}, which wraps a WSGI application.",
                f"In MIDDLEWARE, take {_OURS}. The other one is for wsgi.py.",
                id="pixelmw.E005",
            )


def _check_setting() -> Iterator[checks.CheckMessage]:
    try:
        project.middleware()
    except project.WrongSetting as wrong:
        for problem in wrong.problems:
            yield checks.Error(problem.message, problem.hint, id=problem.id)
    if _given().get("LIVE") is not None and not settings.DEBUG:
        message = "PIXELMW has LIVE, and DEBUG is off: the live view shows the visitors' events."
        yield checks.Warning(message, "Set it only where DEBUG is on.", id="pixelmw.W002")


def _given() -> Mapping[str, Any]:
    """The setting, if it is a dict; if not, that is said already."""
    given = getattr(settings, "PIXELMW", {})
    return given if isinstance(given, Mapping) else {}


def _redirects_to_https() -> str | None:
    if not settings.SECURE_SSL_REDIRECT:
        return None
    exempt = [re.compile(pattern) for pattern in settings.SECURE_REDIRECT_EXEMPT]
    redirected = [path for path in _paths() if not any(each.search(path.lstrip("/")) for each in exempt)]
    return "redirects http to https (SECURE_SSL_REDIRECT)" if redirected else None


def _common() -> str | None:
    reasons = []
    if settings.PREPEND_WWW:
        reasons.append("redirects to www (PREPEND_WWW)")
    if settings.DISALLOWED_USER_AGENTS:
        reasons.append("refuses some user agents (DISALLOWED_USER_AGENTS)")
    host = urlsplit(str(_given().get("BASE_URL") or "")).netloc
    # As HttpRequest.get_host() has it.
    allowed = settings.ALLOWED_HOSTS or ([".localhost", "127.0.0.1", "[::1]"] if settings.DEBUG else [])
    if host and not validate_host(split_domain_port(host)[0], allowed):
        reasons.append(f"refuses {host}, the host of BASE_URL (ALLOWED_HOSTS)")
    return " and ".join(reasons) or None


#: What each middleware of Django's would do to a pixel below it, as the settings stand; ``None`` for nothing.
_INTERFERES: dict[type, Callable[[], str | None]] = {
    SecurityMiddleware: _redirects_to_https,
    CommonMiddleware: _common,
}


def _paths() -> Iterable[str]:
    try:
        paths: Mapping[str, str] = resolve("paths", _given().get("PATHS", PATHS))
        return list(paths)
    except Exception:  # the check of the setting says what is wrong with it
        return list(PATHS)


def _check_place(above: Sequence[str]) -> Iterator[checks.CheckMessage]:
    interfering = [(name, act) for name in above for kind, act in _INTERFERES.items() if _is(name, kind)]
    for name, act in interfering:
        if what := act():
            message = f"{name} stands above {_OURS}, and {what}, pixels too."
            yield checks.Warning(message, f"Put {_OURS!r} above it in MIDDLEWARE.", id="pixelmw.W001")
