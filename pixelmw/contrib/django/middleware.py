"""The middleware for ``MIDDLEWARE``: Django's requests to the WSGI middleware, and its answers to Django's."""

from __future__ import annotations

from collections.abc import Callable, Container
from http.cookies import Morsel
from typing import TYPE_CHECKING, Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.http import HttpResponse
from werkzeug.test import run_wsgi_app

from ...text import wsgi_text
from . import project

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

    from django.http import HttpRequest


class PixelMiddleware:
    """Answers requests for pixels, and passes on all others untouched, under WSGI and under ASGI.

    ::

        INSTALLED_APPS = [..., "pixelmw.contrib.django"]
        MIDDLEWARE = ["pixelmw.contrib.django.PixelMiddleware", ...]
        PIXELMW = {"SINK": "pixelmw.contrib.django.ModelSink"}

    The setting ``PIXELMW`` has the arguments of :class:`pixelmw.PixelMiddleware`
    in capitals. A value may be a dotted path. A sink, or a live view, that is a class is instantiated.

    At the top of ``MIDDLEWARE``, nothing redirects or refuses a pixel. Enrichers
    that need ``user`` or ``session`` want it below ``AuthenticationMiddleware``.
    They find Django's request as ``request.environ["django.request"]``.

    Under ASGI, sink and enrichers run in the thread that Django runs synchronous code in.

    :raises ImproperlyConfigured: if the setting cannot work. The system checks say the same earlier.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.async_mode = iscoroutinefunction(get_response)
        if self.async_mode:
            markcoroutinefunction(self)
        # A mistake in the setting ends the start of the server. Afterwards it would meet the visitors of all pages.
        project.middleware()

    def __call__(self, request: HttpRequest) -> Any:
        """Answer *request*, or pass it on; in async mode, returns an awaitable."""
        if self.async_mode:
            return self.__acall__(request)
        return _answer(request) if _is_ours(request) else self.get_response(request)

    async def __acall__(self, request: HttpRequest) -> Any:
        middleware = project.middleware()
        if not middleware.is_started:  # which may wait for a disk or a network
            await sync_to_async(middleware.start, thread_sensitive=False)()
        if not _is_ours(request):
            return await self.get_response(request)
        # Whatever the user gave may use the ORM, and only in this thread does it share the connections of the request,
        # which Django closes in the end, or those of a test.
        return await sync_to_async(_answer, thread_sensitive=True)(request)


def _is_ours(request: HttpRequest) -> bool:
    """Whether the WSGI middleware answers on this path. A preflight is answered without anything being recorded."""
    environ = {"REQUEST_METHOD": "OPTIONS", "PATH_INFO": wsgi_text(request.path_info, "replace")}
    return project.middleware()(environ, _ignore) is not project.NOT_OURS


def _ignore(status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Callable[[bytes], object]:
    return len


def _answer(request: HttpRequest) -> HttpResponse:
    body, status, headers = run_wsgi_app(project.middleware(), _environ(request), buffered=True)
    code, _, reason = status.partition(" ")
    response = HttpResponse(b"".join(body), status=int(code), reason=reason)
    del response["Content-Type"]  # a 204 has none
    for name, value in headers:
        if name.lower() == "set-cookie":
            cookie = _CookieAsSent(value)
            response.cookies[cookie.key] = cookie
        else:
            # Django keeps one value for each name. Several are one with commas between them (RFC 9110, section 5.3).
            response[name] = f"{response[name]}, {value}" if name in response else value
    # Django would log a refusal as an error or a warning, with the request attached and so with the visitor's values.
    # pixelmw has logged it already, without them.
    response._has_been_logged = True
    return response


def _environ(request: HttpRequest) -> WSGIEnvironment:
    """The WSGI environ of a request, as PEP 3333 has it, with the request itself as ``django.request``."""
    environ = {**request.META, "django.request": request}
    # Django keeps these two decoded.
    for name in ("PATH_INFO", "SCRIPT_NAME"):
        environ[name] = wsgi_text(environ.get(name, ""), "replace")
    if (scope := getattr(request, "scope", None)) is not None:  # ASGI
        query: str | bytes = scope.get("query_string", b"")
        environ["QUERY_STRING"] = query.decode("latin-1") if isinstance(query, bytes) else wsgi_text(query, "replace")
        environ["wsgi.url_scheme"] = request.scheme
        environ["SERVER_PROTOCOL"] = f"HTTP/{scope.get('http_version', '1.1')}"
        environ["wsgi.input"] = request  # which can be read; a filter of the live view comes as a body
    return environ


class _CookieAsSent(Morsel[str]):
    """A cookie that is sent as it was written: parsed, it would lose the attributes that this Python does not know."""

    def __init__(self, header: str) -> None:
        super().__init__()
        name, _, rest = header.partition("=")
        value = rest.partition(";")[0]
        self.set(name.strip(), value, value)
        self._header = header

    def OutputString(self, attrs: Container[str] | None = None) -> str:  # noqa: N802 - the name is the base class's
        return self._header
