"""Finds what ``MODULE:NAME`` names, and the pixels in an application, whatever it is wrapped in."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from types import FunctionType, MemberDescriptorType, MethodType
from typing import Any

from ..collector import Collector
from ..middleware import PixelMiddleware

# Where a wrapper keeps what it wraps: Werkzeug's, Sentry's and our own, Flask, WhiteNoise, others.
_ATTRIBUTES = ("app", "wsgi_app", "application", "wrapped", "_app", "_application")
# Names that an application has where only its module is named; Flask and gunicorn take the same.
_DEFAULT_NAMES = ("application", "app")
# No deployment wraps an application as often. It keeps an object that makes up attributes from being searched for ever.
_MAX_OBJECTS = 1000


def load_object(option: str, name: str, *, default_names: tuple[str, ...] = ()) -> Any:
    """The object that *name* names. Its module is imported from the current directory first, as gunicorn does it.

    :param option: the option that has *name*, for errors.
    :param name: ``MODULE:NAME``, where NAME may have dots, and may end with ``()``: then it is called.
    :param default_names: what NAME may be where there is none.
    :raises ValueError: if *name* is no such name, or there is nothing of that name.
    """
    module, colon, attributes = name.partition(":")
    is_call = attributes.endswith("()")
    names = attributes.removesuffix("()").split(".") if colon else []
    # A file's path would be imported as something else, or not at all.
    if not all(part.isidentifier() for part in (*module.split("."), *names)) or not (names or default_names):
        raise ValueError(f"{option} is {name!r}: give MODULE:NAME, such as myapp.wsgi:{(*default_names, 'spool')[0]}")
    sys.path.insert(0, str(Path.cwd()))
    try:
        found: Any = import_module(module)
        names = names or [next((each for each in default_names if hasattr(found, each)), default_names[0])]
        for attribute in names:
            found = getattr(found, attribute)
    except (ImportError, AttributeError) as error:
        # A file may have the name of a module of Python's own, which is then imported in its place.
        file = getattr(sys.modules.get(module), "__file__", None)
        where = f" (it is {file})" if file and isinstance(error, AttributeError) else ""
        raise ValueError(f"{option} is {name!r}: {error}{where}") from error
    return _called(option, name, found) if is_call else found


def _called(option: str, name: str, factory: Any) -> Any:
    try:
        inspect.signature(factory).bind()
    except TypeError as error:
        raise ValueError(f"{option} is {name!r}: it cannot be called without arguments: {error}") from None
    return factory()


def load_application(option: str, name: str) -> Any:
    """The WSGI application that *name* names, see :func:`load_object`; NAME may be missing.

    :raises ValueError: if there is none, or what is there cannot be called.
    """
    found = load_object(option, name, default_names=_DEFAULT_NAMES)
    if not callable(found):
        raise ValueError(f"{option} is {name!r}: that is {found!r:.100}, and no WSGI application")
    return found


def find_pixels(application: Any) -> dict[str, PixelMiddleware]:
    """Each :class:`PixelMiddleware` in *application*, by the path that it is mounted at, which is often ``""``.

    It may be *application* itself, or be wrapped by others, by Flask, or by
    Werkzeug's ``DispatcherMiddleware``. That of Django's ``MIDDLEWARE`` is found too.
    """
    found: dict[str, PixelMiddleware] = {}
    for prefix, each in _objects_in(application):
        if isinstance(each, PixelMiddleware):
            found.setdefault(prefix, each)
        elif (of_django := _of_django(each)) is not None:
            found.setdefault(prefix, of_django)
    return found


def find_collectors(application: Any) -> list[Collector]:
    """Each :class:`Collector` in *application*, also those of ASGI applications."""
    found = [middleware.collector for middleware in find_pixels(application).values()]
    for _, each in _objects_in(application):
        collector = getattr(each, "__dict__", {}).get("collector")
        if isinstance(collector, Collector) and collector not in found:
            found.append(collector)
    return found


def _objects_in(application: Any) -> Iterator[tuple[str, Any]]:
    """*application* and all that it wraps, each with the path that it is mounted at."""
    seen: set[int] = set()
    waiting: list[tuple[str, Any]] = [("", application)]
    for prefix, each in waiting:  # it grows
        if id(each) in seen or len(seen) > _MAX_OBJECTS:
            continue
        seen.add(id(each))
        yield prefix, each
        waiting += [(prefix + mount, inner) for mount, inner in _wrapped_by(each)]


def pixels_of(option: str, name: str, application: Any) -> dict[str, PixelMiddleware]:
    """What :func:`find_pixels` finds in the *application* that *option* has *name* for.

    :raises ValueError: if it finds nothing.
    """
    if found := find_pixels(application):
        return found
    hint = f"; if it is a factory, give {name}()" if inspect.isfunction(application) else ""
    raise ValueError(f"{option} is {name!r}: no PixelMiddleware is in it, nor in what it wraps{hint}")


def _wrapped_by(wrapper: Any) -> Iterator[tuple[str, Any]]:
    """What *wrapper* may wrap, each with the path that it is mounted at."""
    if isinstance(wrapper, FunctionType):
        yield from (("", inner) for inner in _used_by(wrapper) if callable(inner) and not isinstance(inner, type))
        return
    if isinstance(wrapper, MethodType):
        yield "", wrapper.__self__
    if isinstance(wrapper, partial):
        yield from (("", inner) for inner in (wrapper.func, *wrapper.args, *wrapper.keywords.values()))
    attributes = getattr(wrapper, "__dict__", {})
    yield from (("", attributes[name]) for name in _ATTRIBUTES if name in attributes)
    yield from (("", inner) for inner in _computed(wrapper))
    if isinstance(mounts := attributes.get("mounts"), Mapping):  # of Werkzeug's DispatcherMiddleware
        yield from ((str(mount), inner) for mount, inner in mounts.items())


def _computed(wrapper: Any) -> Iterator[Any]:
    """What *wrapper* keeps in slots or gives by properties of these names, if it has them: not what it makes up."""
    for name in _ATTRIBUTES:
        if isinstance(getattr(type(wrapper), name, None), property | MemberDescriptorType):
            with suppress(Exception):  # an empty slot, or a property of somebody's that fails
                yield getattr(wrapper, name)


def _used_by(function: FunctionType) -> Iterator[Any]:
    """What *function* has from the function that made it, as wsgiref's validator has its application, and globals."""
    for cell in function.__closure__ or ():
        with suppress(ValueError):  # the cell is still empty
            yield cell.cell_contents
    names = function.__code__.co_names
    yield from (function.__globals__[name] for name in names if name in function.__globals__)


def _of_django(handler: Any) -> PixelMiddleware | None:
    """The middleware behind Django's ``MIDDLEWARE``, if *handler* is Django's and runs it."""
    if type(handler).__module__ != "django.core.handlers.wsgi":
        return None
    # The handler has imported all of these, so that this module needs no Django.
    import_string = sys.modules["django.utils.module_loading"].import_string
    shells = [import_string(path) for path in sys.modules["django.conf"].settings.MIDDLEWARE]
    module = sys.modules.get("pixelmw.contrib.django.middleware")
    shell = module.PixelMiddleware if module else None
    if shell is None or not any(isinstance(each, type) and issubclass(each, shell) for each in shells):
        return None
    middleware: PixelMiddleware = sys.modules["pixelmw.contrib.django.project"].middleware()
    return middleware
