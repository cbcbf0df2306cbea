"""Mistakes in the arguments of the ASGI shell are found when it is made, and named."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pixelmw import PixelMiddleware
from pixelmw.asgi import PixelASGI
from pixelmw.sinks import BatchSink
from tests.support.asgi import ask
from tests.support.asgi_hosts import host
from tests.support.pixel import host_app


async def awaited(*arguments: object) -> None: ...


async def generates(*arguments: object) -> Any:
    yield arguments


class AsyncGeneratorWrite(BatchSink):
    async def write(self, events: Any) -> Any:
        yield events


class AsyncClose(BatchSink):
    def write(self, events: Any) -> None: ...

    async def close(self, timeout: float | None = None) -> None:  # type: ignore[override]
        ...


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        ((host_app, print), {}, "takes two arguments"),
        ((PixelMiddleware(host_app, print), print), {}, "takes two arguments"),
        (("app", print), {}, "give an ASGI application"),
        ((host, None), {}, "sink is None"),
        ((host, list), {}, "a class"),
        ((host, AsyncClose()), {}, "the method close of sink"),
        ((host, generates), {}, "sink is"),
        ((host, AsyncGeneratorWrite()), {}, "the method write of sink"),
        ((host, print), {"enrich": [generates]}, "an enricher is"),
        ((host, print), {"enrich": awaited}, "give a list"),
        ((host, print), {"on_reject": awaited}, "an async def"),
        ((host, print), {"threads": "8"}, "threads is '8'"),
        ((host, print), {"max_waiting": True}, "max_waiting is True"),
    ],
)
def test_a_mistake_in_the_arguments_is_a_type_error(arguments: Any, options: dict[str, Any], words: str) -> None:
    with pytest.raises(TypeError, match=words):
        PixelASGI(*arguments, **options)


@pytest.mark.parametrize("option", ["threads", "max_waiting"])
def test_a_number_below_one_is_a_value_error(option: str) -> None:
    with pytest.raises(ValueError, match=f"{option} is 0: give at least 1"):
        PixelASGI(host, print, **{option: 0})  # type: ignore[arg-type]


def test_an_asgi_application_may_be_a_plain_function() -> None:
    def plain(scope: Any, receive: Any, send: Any) -> Any:
        return host(scope, receive, send)

    assert asyncio.run(ask(PixelASGI(plain, print), "/other"))[2] == b"the host"


def test_the_wsgi_middleware_names_the_shell_for_an_asgi_application() -> None:
    with pytest.raises(TypeError, match="wrap it with pixelmw"):
        PixelMiddleware(host, print)  # type: ignore[arg-type]
