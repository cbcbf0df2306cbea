"""The shells around one collector: the tests of answers, of hostile requests and of transparency run through each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar
from wsgiref.validate import validator

import pytest
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.test import override_settings

from pixelmw import Collector, Event, PixelMiddleware, Rejected
from pixelmw.asgi import PixelASGI
from pixelmw.contrib.django import project
from tests.support import django_site
from tests.support.asgi import as_wsgi
from tests.support.pixel import Pixel, WholeClient

django_site.configure()


class DjangoPixel(Pixel):
    """A Django project with the middleware, its sink and its refusals; the options are those of ``PIXELMW``."""

    #: The one whose setting is in force: Django has one for the whole process.
    current: ClassVar[DjangoPixel | None] = None

    def __init__(self, **options: Any) -> None:
        self.events: list[Event] = []
        self.refusals: list[Rejected] = []
        defaults: dict[str, Any] = {"sink": self.events.append, "on_reject": self.refusals.append}
        setting = {name.upper(): value for name, value in (defaults | options).items()}
        self.setting = override_settings(PIXELMW=setting, MIDDLEWARE=[django_site.MIDDLEWARE])
        self._in_force()
        self.client = WholeClient(self._settle(validator(self.handler())), use_cookies=False)

    def handler(self) -> Callable[..., Iterable[bytes]]:
        return WSGIHandler()  # type: ignore[no-any-return]

    @property
    def middleware(self) -> PixelMiddleware:
        self._in_force()
        return project.middleware()

    def _in_force(self) -> None:
        if DjangoPixel.current is not self:
            if DjangoPixel.current is not None:
                DjangoPixel.current.setting.disable()
            self.setting.enable()
            DjangoPixel.current = self

    def _settle(self, app: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
        def with_setting(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            self._in_force()
            return app(environ, start_response)

        return with_setting

    @staticmethod
    def forget() -> None:
        """Put Django's settings back."""
        if DjangoPixel.current is not None:
            DjangoPixel.current.setting.disable()
            DjangoPixel.current = None


class DjangoASGIPixel(DjangoPixel):
    """The same under ASGI."""

    def handler(self) -> Callable[..., Iterable[bytes]]:
        return as_wsgi(ASGIHandler())


async def asgi_host(scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
    """The host application of :class:`ASGIPixel`: as that of :class:`Pixel`."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"the host application"})


class ASGIPixel(Pixel):
    """A wrapped ASGI application; each request has an event loop of its own, as with many a test client."""

    def wrapped(self, collector: Collector, **options: Any) -> Any:
        return PixelASGI.around(asgi_host, collector, **options)

    def as_application(self) -> Any:
        return as_wsgi(self.middleware)


SHELLS: dict[str, type[Pixel]] = {
    "WSGI": Pixel,
    "ASGI": ASGIPixel,
    "Django-WSGI": DjangoPixel,
    "Django-ASGI": DjangoASGIPixel,
}


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> Iterable[type[Pixel]]:
    """What makes a wrapped application of each kind; it takes the options of :class:`Pixel`."""
    yield SHELLS[request.param]
    DjangoPixel.forget()
