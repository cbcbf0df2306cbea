"""Finds out if ``wsgi.py`` wraps the project in the middleware for WSGI, without running it."""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...middleware import PixelMiddleware


def wraps_pixels(application: str | None) -> bool:
    """Return True if *application*, the dotted path of ``WSGI_APPLICATION``, is a PixelMiddleware or wraps one.

    A module that is not imported yet is read, and not run: a system check must
    not start what ``wsgi.py`` may start. Only a call of ``PixelMiddleware`` in
    the file itself is seen then.
    """
    module_name, _, name = (application or "").rpartition(".")
    if (module := sys.modules.get(module_name)) is not None:
        return any(isinstance(each, PixelMiddleware) for each in _from_outside_in(getattr(module, name, None)))
    try:
        spec = importlib.util.find_spec(module_name) if module_name else None
        source = Path(spec.origin).read_bytes() if spec is not None and spec.origin else b""
        return _calls_the_middleware(ast.parse(source))
    except (ImportError, OSError, ValueError, SyntaxError):  # whoever runs the application will hear of it
        return False


def _from_outside_in(application: Any) -> Iterator[Any]:
    """*application*, and what it wraps under the name that Werkzeug's and our middleware have for it."""
    while application is not None:
        yield application
        application = getattr(application, "app", None)


def _calls_the_middleware(tree: ast.Module) -> bool:
    imported = {"pixelmw": "pixelmw"} if _imports_package(tree) else {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in ("pixelmw", "pixelmw.middleware") and not node.level:
            imported |= {alias.asname or alias.name: f"pixelmw.{alias.name}" for alias in node.names}
    called = {ast.unparse(node.func).partition(".around")[0] for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for name in called:
        first, _, rest = name.partition(".")
        if ".".join(filter(None, (imported.get(first, ""), rest))) == "pixelmw.PixelMiddleware":
            return True
    return False


def _imports_package(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.Import) and any(alias.name == "pixelmw" for alias in node.names) for node in ast.walk(tree)
    )
