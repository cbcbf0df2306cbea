"""The tags of ``{% load pixelmw %}``: the URL of a pixel, and its ``<img>``."""

# Django comes without types.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Any

from django import template
from django.urls import get_script_prefix
from markupsafe import Markup

from .. import project

register = template.Library()


@register.simple_tag
def pixel_url(event_type: str, *arguments: Any, **fields: Any) -> str:
    """The URL of a pixel: ``{% pixel_url "track" event="Opened" user_id=user.pk as url %}``.

    It takes the arguments of the method of :class:`pixelmw.links.Links` with the name of the event type.
    """
    return project.links().url(get_script_prefix(), event_type, *arguments, **_fields(fields))


@register.simple_tag
def pixel(event_type: str, *arguments: Any, **fields: Any) -> Markup:
    """The ``<img>`` of a pixel, with the arguments of ``pixel_url``."""
    return project.links().img(get_script_prefix(), event_type, *arguments, **_fields(fields))


def _fields(fields: dict[str, Any]) -> dict[str, Any]:
    """*fields* without those that are empty: a variable that the template does not have is an empty text."""
    return {name: value for name, value in fields.items() if value != ""}
