"""The schemas that a reference may lead to: the bundled ones, and the metaschemas of JSON Schema itself."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jsonschema_specifications import REGISTRY

from ..events import EVENT_TYPES

if TYPE_CHECKING:
    from referencing import Registry


def bundled_schema(name: str) -> dict[str, Any]:
    """Read a schema that comes with the package.

    :param name: an event type, or ``"common"`` for what all event types share.
    :returns: a new dict, which the caller may change.
    """
    text = files("pixelmw").joinpath("schema", "bundled", f"{name}.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


@cache  # it never changes, and takes a moment to make
def registry() -> Registry[Any]:
    """The bundled schemas under their URNs, and the metaschemas; it cannot fetch any other."""
    schemas = [bundled_schema(name) for name in ("common", *EVENT_TYPES)]
    metaschemas: Registry[Any] = REGISTRY
    return metaschemas.with_contents((schema["$id"], schema) for schema in schemas).crawl()
