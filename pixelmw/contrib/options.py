"""Reads the arguments of the middleware from a framework's settings."""

from __future__ import annotations

import difflib
import inspect
import os
import pkgutil
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from ..middleware import PixelMiddleware
from ..schema import TrackingPlan

#: The arguments of the middleware, without the application.
ARGUMENTS = tuple(name for name in inspect.signature(PixelMiddleware).parameters if name != "app")
#: The arguments of the URLs and tags of pixels, which share two with the middleware.
TAG_ARGUMENTS = ("base_url", "write_key", "paths", "signer")

# "any" and "gif" are words; what has a dot between two names is where an object can be imported from.
_DOTTED_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", re.ASCII)
# These are what they are, also if they have dots.
_PLAIN_TEXTS = ("base_url", "write_key")
_MADE_OF_CLASSES = ("sink", "live")


def unknown_names(names: Iterable[str], known: Collection[str]) -> dict[str, str | None]:
    """Return those of *names* that are not *known*, each with the nearest known one, or ``None`` if none is near."""
    return {name: next(iter(difflib.get_close_matches(name, known, 1)), None) for name in names if name not in known}


def resolve(argument: str, value: Any) -> Any:
    """Return what *value* stands for as an argument of the middleware.

    A dotted path stands for the object of that name, also within the list of
    enrichers, and a class that is given as the sink or the live view for an
    instance of it. A plan may be the path of a file or a folder; a text is one
    if it has a slash or a backslash, or ends in ``.json``.

    :raises ImportError: if there is nothing at the dotted path.
    :raises Exception: what the import, the class, or the loading of the plan raised.
    """
    if argument == "plan" and (isinstance(value, os.PathLike) or (isinstance(value, str) and _is_path(value))):
        return TrackingPlan.load(value)
    if argument == "enrich" and isinstance(value, list | tuple):
        return [import_dotted(each) for each in value]
    if argument in _PLAIN_TEXTS:
        return value
    value = import_dotted(value)
    return value() if argument in _MADE_OF_CLASSES and isinstance(value, type) else value


def _is_path(text: str) -> bool:
    return "/" in text or "\\" in text or text.endswith(".json")


def import_dotted(value: Any) -> Any:
    """Return the object at *value*, if that is a dotted path, else *value* itself.

    :raises ImportError: if there is nothing at the dotted path.
    """
    if not (isinstance(value, str) and _DOTTED_PATH.fullmatch(value)):
        return value
    try:
        return pkgutil.resolve_name(value)
    except AttributeError as error:
        raise ImportError(f"there is nothing at {value!r}: {error}") from error


@contextmanager
def command_defaults(sink: str, app: str) -> Iterator[None]:
    """Make *sink* and *app* what the command line takes if it is told no other.

    :param sink: as ``drain --sink`` takes it: ``MODULE:NAME``.
    :param app: as ``check --app`` takes it: ``MODULE:NAME``.
    """
    defaults = {"PIXELMW_SINK": sink, "PIXELMW_APP": app}
    unset = [variable for variable in defaults if variable not in os.environ]
    os.environ.update({variable: defaults[variable] for variable in unset})
    try:
        yield
    finally:
        for variable in unset:
            os.environ.pop(variable, None)
