"""Callables whose call does nothing of what they hold, by the kind of mistake that each is."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Iterator
from typing import Any
from unittest.mock import AsyncMock

from asgiref.sync import sync_to_async


async def coroutine_function(*arguments: Any) -> None:
    """Never runs, unless somebody awaits it."""


def generator_function(*arguments: Any) -> Iterator[None]:
    """Never runs, unless somebody iterates over it."""
    yield


async def async_generator_function(*arguments: Any) -> AsyncIterator[None]:
    yield


class AsyncCall:
    """An object whose ``__call__`` is async, and a method of it that is, too."""

    async def __call__(self, *arguments: Any) -> None:
        pass

    async def method(self, *arguments: Any) -> None:
        pass

    @staticmethod
    async def static(*arguments: Any) -> None:
        pass

    @classmethod
    async def of_class(cls, *arguments: Any) -> None:
        pass

    partial = functools.partialmethod(method, 1)


class GeneratorCall:
    """An object whose ``__call__`` is a generator function."""

    def __call__(self, *arguments: Any) -> Iterator[None]:
        yield


class PartialCall:
    """An object whose ``__call__`` is a partial of an ``async def``."""

    __call__ = functools.partialmethod(AsyncCall.method)


class Plain:
    """A class, which somebody gave in place of an instance; an instance of it can be called."""

    def __init__(self, *arguments: Any) -> None:
        pass

    def __call__(self, *arguments: Any) -> None:
        pass


#: What can be seen without a call to be an ``async def``, or to lead to one.
ASYNC: dict[str, Any] = {
    "an async def": coroutine_function,
    "an async generator": async_generator_function,
    "a partial of an async def": functools.partial(coroutine_function, 1),
    "a partial of a partial": functools.partial(functools.partial(coroutine_function, 1), 2),
    "a bound async method": AsyncCall().method,
    "a static async method": AsyncCall.static,
    "the staticmethod itself": AsyncCall.__dict__["static"],
    "an async method of the class": AsyncCall.of_class,
    "a partial method": AsyncCall().partial,
    "an object with an async __call__": AsyncCall(),
    "a partial of such an object": functools.partial(AsyncCall(), 1),
    "the __call__ of such an object": AsyncCall().__call__,
    "an object whose __call__ is partial": PartialCall(),
    "asgiref's sync_to_async": sync_to_async(print),
    "an AsyncMock": AsyncMock(),
}

#: What can be seen without a call to run nothing. All of these are legal WSGI applications.
NOT_RUN: dict[str, Any] = {
    "a generator function": generator_function,
    "a partial of a generator function": functools.partial(generator_function, 1),
    "an object whose __call__ is a generator function": GeneratorCall(),
    "a class": Plain,
    "a built-in class": dict,
}


class Awaitable:
    """What some clients return in place of a coroutine."""

    def __await__(self) -> Iterator[None]:
        yield


#: Only the call shows that nothing has run.
FOUND_AT_THE_CALL: dict[str, Any] = {
    "a lambda that makes a coroutine": lambda *arguments: coroutine_function(),
    "a lambda that makes a generator": lambda *arguments: generator_function(),
    "a lambda that makes an async generator": lambda *arguments: async_generator_function(),
    "a lambda that makes something to await": lambda *arguments: Awaitable(),
    "a wrapper around an async def": functools.wraps(coroutine_function)(lambda *arguments: coroutine_function()),
}
