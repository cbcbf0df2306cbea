"""Checks what users give to be called: once at construction, and each time when a call has returned."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Coroutine, Generator, Iterable
from types import AsyncGeneratorType, FunctionType, MethodType, WrapperDescriptorType
from typing import Any, TypeVar

_R = TypeVar("_R")
_T = TypeVar("_T")
#: A call that is to be made: of what, and with what.
Call = tuple[Callable[..., object], tuple[Any, ...]]
_C = TypeVar("_C", bound=Callable[..., object])

# A partial of a bound method of a callable object makes three; the bound ends a chain that leads back to itself.
_MAX_WRAPPERS = 20
_RUN_IT = "a function that runs it to its end, for example with asyncio.run or asgiref.sync.async_to_sync"


def checked_callable(argument_name: str, value: _C | None, remedy: str, *, methods: Iterable[str] = ()) -> _C:
    """*value*, if a call of it does its work.

    :param argument_name: what the error message calls it.
    :param remedy: what the error message tells the caller to give instead.
    :param methods: names of methods that are called, too, where *value* has them.
    :raises TypeError: if it is not callable, or a class, an ``async def`` or a
        generator function: a call of these makes an object, and runs nothing of what they hold.
    """
    if not callable(value):
        raise TypeError(f"{argument_name} is {value!r}: give {remedy}")
    if isinstance(value, type):
        raise TypeError(f"{argument_name} is {value!r}, a class: give an instance of it, or {remedy}")
    _refuse_lazy(argument_name, value, remedy)
    for name in methods:
        if callable(method := getattr(value, name, None)):
            _refuse_lazy(f"the method {name} of {argument_name}", method, "a plain method")
    return value


def checked_object(argument_name: str, value: _T, methods: Iterable[str], remedy: str) -> _T:
    """*value*, if it has *methods*, and a call of each does its work.

    :param remedy: as for :func:`checked_callable`.
    :raises TypeError: otherwise, or if it is a class.
    """
    if isinstance(value, type):
        raise TypeError(f"{argument_name} is {value!r}, a class: give an instance of it")
    for name in methods:
        checked_callable(f"the method {name} of {argument_name} {value!r}", getattr(value, name, None), remedy)
    return value


def checked_application(value: _C) -> _C:
    """*value*, if it can be a WSGI application; generator functions and classes can.

    :raises TypeError: if it is not callable, or an ASGI application.
    """
    if not callable(value):
        raise TypeError(f"app is {value!r}: give a WSGI application; of a Flask app, its wsgi_app")
    if not isinstance(value, type) and is_async(value):
        raise TypeError(
            f"app is {value!r}, an ASGI application (its call is async): wrap it with pixelmw.asgi.PixelASGI, or give "
            "a WSGI application, such as that of django.core.wsgi.get_wsgi_application"
        )
    return value


def checked_asgi_application(value: _C) -> _C:
    """*value*, if it can be an ASGI application, which may be a plain function that returns an awaitable.

    :raises TypeError: if it is not callable, or takes two arguments, as WSGI applications do.
    """
    if not callable(value):
        raise TypeError(f"app is {value!r}: give an ASGI application")
    try:
        signature = inspect.signature(value)
        signature.bind("environ", "start_response")
    except (TypeError, ValueError):  # it takes another number, or is written in C
        return value
    try:
        signature.bind("scope", "receive", "send")
    except TypeError:
        raise TypeError(
            f"app is {value!r}, which takes two arguments, as WSGI applications do: wrap it with "
            "pixelmw.PixelMiddleware, or give an ASGI application"
        ) from None
    return value


def raise_if_unfinished(argument_name: str, value: object, result: object) -> None:
    """Look at what a call of *value* returned, and close a coroutine, so that no warning says it was never awaited.

    :raises TypeError: if it is a coroutine or anything else to be awaited, or a generator: the work is not done.
    """
    if result is None:
        return
    if isinstance(result, Coroutine):
        result.close()
    elif not (isinstance(result, Generator | AsyncGeneratorType) or hasattr(type(result), "__await__")):
        return
    returned = f"it returned something of the type {type(result).__name__}"
    raise TypeError(f"{argument_name} is {value!r}, whose call ran nothing: {returned}; give {_RUN_IT}")


def run_calls(steps: Generator[Call, Any, _R]) -> _R:
    """Make each call that *steps* yields, here and at once, and go on with what it returns or raises.

    :returns: what *steps* returns.
    :raises BaseException: what *steps* raises.
    """
    try:
        function, arguments = next(steps)
        while True:
            try:
                result = function(*arguments)
            except BaseException as raised:
                function, arguments = steps.throw(raised)
            else:
                function, arguments = steps.send(result)
    except StopIteration as end:
        returned: _R = end.value
        return returned
    finally:
        arguments = ()  # a refusal may be among them, whose traceback leads to this frame: they would make a circle


def _refuse_lazy(argument_name: str, value: Callable[..., object], remedy: str) -> None:
    if is_async(value):
        raise TypeError(f"{argument_name} is {value!r}, an async def: give {remedy}; or {_RUN_IT}")
    if any(map(inspect.isgeneratorfunction, _functions_behind(value))):
        raise TypeError(f"{argument_name} is {value!r}, a generator function: give {remedy}, without a yield in it")


def is_lazy(value: Callable[..., object]) -> bool:
    """Return True if a call of *value* runs nothing: it is an ``async def`` or a generator function."""
    return is_async(value) or any(map(inspect.isgeneratorfunction, _functions_behind(value)))


def is_async(value: Callable[..., object]) -> bool:
    """Whether a call of *value* makes a coroutine or an async generator, as far as can be seen without a call."""
    return is_awaited(value) or any(map(inspect.isasyncgenfunction, _functions_behind(value)))


def is_awaited(value: Callable[..., object]) -> bool:
    """Whether a call of *value* makes a coroutine, as far as can be seen without a call."""
    return any(map(inspect.iscoroutinefunction, _functions_behind(value)))


def _functions_behind(value: Any) -> Iterable[Any]:
    """*value*, and what its call leads to: through ``functools.partial``, bound methods and ``__call__``.

    Not through ``__wrapped__``: what turns an ``async def`` into a plain function has it, too.
    """
    for _ in range(_MAX_WRAPPERS):
        yield value
        if isinstance(value, functools.partial | functools.partialmethod):
            value = value.func
        elif isinstance(value, MethodType | staticmethod | classmethod):
            value = value.__func__
        elif value is None or isinstance(value, FunctionType | WrapperDescriptorType | type):
            return
        else:
            value = inspect.getattr_static(type(value), "__call__", None)
