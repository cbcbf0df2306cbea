"""The tags of ``{% load pixelmw %}``: the URL of a pixel, and its ``<img>``."""

from __future__ import annotations

from typing import Any

from django import template
from django.urls import get_script_prefix
from django.utils.functional import Promise
from markupsafe import Markup

from .. import project

register = template.Library()


@register.simple_tag  # type: ignore[untyped-decorator]
def pixel_url(event_type: str, *arguments: Any, **fields: Any) -> str:
    """The URL of a pixel: ``{% pixel_url "track" event="Opened" user_id=user.pk as url %}``.

    It takes the arguments of the method of :class:`pixelmw.links.Links` with the name of the event type.
    """
    return project.links().url(get_script_prefix(), event_type, *map(_text, arguments), **_texts(fields))


@register.simple_tag  # type: ignore[untyped-decorator]
def pixel(event_type: str, *arguments: Any, **fields: Any) -> Markup:
    """The ``<img>`` of a pixel, with the arguments of ``pixel_url``."""
    return project.links().img(get_script_prefix(), event_type, *map(_text, arguments), **_texts(fields))


def _text(value: Any) -> Any:
    """*value*, and of a translation its text."""
    return str(value) if isinstance(value, Promise) else value


def _texts(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: _text(value) for name, value in fields.items()}
