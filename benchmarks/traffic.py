"""The requests that the benchmarks send, as WSGI environs."""

from __future__ import annotations

import io
import sys
from typing import Any
from urllib.parse import quote

#: An AMP page view as the RudderStack template of AMP spells it: 18 parameters, 843 bytes.
PARAMETERS = {
    "writeKey": "2kQ9vXr7LmNpT4wZ",
    "context.library.name": "Rudderstack AMP SDK",
    "context.library.version": "1.0.0",
    "context.platform": "AMP",
    "anonymousId": '"amp-Hf3kQ9vXr7LmNpT4wZ8sYb"',
    "context.locale": "en-GB",
    "context.userAgent": "Mozilla/5.0 (Linux; Android 15.0) Gecko/20100101 Firefox/137.0",
    "context.page.path": "/news/2026/11/a-small-pixel.html",
    "context.page.url": "https://www.example.com/news/2026/11/a-small-pixel.html",
    "context.page.referrer": "https://www.example.org/",
    "context.page.title": "A small pixel in detail",
    "context.screen.width": "412",
    "context.screen.height": "915",
    "properties.path": "/news/2026/11/a-small-pixel.html",
    "properties.url": "https://www.example.com/news/2026/11/a-small-pixel.html",
    "properties.referrer": "https://www.example.org/",
    "properties.title": "A small pixel in detail",
    "name": "",
}


def query_string(parameters: dict[str, str]) -> str:
    """*parameters* as a browser encodes them."""
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters.items())


def environ(query: str, path: str = "/pixel/v1/page") -> dict[str, Any]:
    """What gunicorn hands to an application for a GET of *path*."""
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1:8000",
        "HTTP_USER_AGENT": PARAMETERS["context.userAgent"],
        "HTTP_ACCEPT": "image/avif,image/webp,*/*;q=0.8",
        "HTTP_ACCEPT_LANGUAGE": "en-GB,en;q=0.9",
        "HTTP_REFERER": PARAMETERS["context.page.url"],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


#: A page view as a mail carries it: six parameters, and no language, so that Accept-Language tells it.
MAIL_PARAMETERS = {
    "writeKey": "2kQ9vXr7LmNpT4wZ",
    "userId": "1049-77231",
    "messageId": "open-spring-2026-1049-77231",
    "name": "Newsletter",
    "context.campaign.name": "spring-2026",
    "properties.subject": "What is new in spring",
}

#: The reference request, the same with one value of the wrong type, and one for the host application.
ACCEPTED = query_string(PARAMETERS)
REFUSED = query_string(PARAMETERS | {"context.screen.width": "wide"})
MAIL = query_string(MAIL_PARAMETERS)

_NUMBERS = [f"number_{index}" for index in range(10)]
_TEXTS = [f"text_{index}" for index in range(10)]
_CHOICES = [f"choice_{index}" for index in range(10)]

#: A user's own schema for a page event: 30 typed properties and a oneOf.
SCHEMA_OF_30: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["anonymousId", "properties"],
    "properties": {
        "anonymousId": {"type": "string", "minLength": 1},
        "properties": {
            "type": "object",
            "properties": {
                **{name: {"type": ["string", "number"], "maxLength": 20} for name in _NUMBERS},
                **{name: {"type": "string", "minLength": 1, "maxLength": 80} for name in _TEXTS},
                **{name: {"type": "string", "enum": ["one", "two", "three"]} for name in _CHOICES},
            },
            "oneOf": [{"required": ["coupon"]}, {"required": ["text_0"]}],
        },
    },
}

#: A request with all of its 30 properties.
OWN_SCHEMA = query_string(
    {"writeKey": "2kQ9vXr7LmNpT4wZ", "anonymousId": "a"}
    | {f"properties.{name}": str(index) for index, name in enumerate(_NUMBERS)}
    | {f"properties.{name}": f"a text of some length, {index}" for index, name in enumerate(_TEXTS)}
    | {f"properties.{name}": "two" for name in _CHOICES}
)

#: One rule for each of 50 events: if the event is called so, then these properties have these types.
SCHEMA_PER_EVENT: dict[str, Any] = {
    "type": "object",
    "required": ["anonymousId", "name"],
    "allOf": [
        {
            "if": {"properties": {"name": {"const": f"Page {index}"}}, "required": ["name"]},
            "then": {
                "required": ["properties"],
                "properties": {
                    "properties": {
                        "required": ["total"],
                        "properties": {
                            "total": {"type": "number", "minimum": 0},
                            "count": {"type": "integer"},
                            "currency": {"enum": ["EUR", "USD"]},
                            "note": {"type": "string", "maxLength": 80},
                        },
                    }
                },
            },
        }
        for index in range(50)
    ],
}
_USUAL = {"writeKey": "2kQ9vXr7LmNpT4wZ", "anonymousId": "a"}
PER_EVENT = query_string(
    _USUAL
    | {"name": "Page 41", "properties.total": "12.50", "properties.count": "3"}
    | {"properties.currency": "EUR", "properties.note": "a note of some length"}
)

#: An optional number in each of 20 places, as Pydantic writes it.
SCHEMA_OF_OPTIONALS: dict[str, Any] = {
    "type": "object",
    "required": ["anonymousId"],
    "properties": {
        "anonymousId": {"type": "string"},
        "properties": {
            "type": "object",
            "properties": {
                f"number_{index}": {
                    "anyOf": [{"type": "number"}, {"type": "null"}],
                    "default": None,
                    "title": f"Number {index}",
                }
                for index in range(20)
            },
        },
    },
}
OPTIONALS = query_string(_USUAL | {f"properties.number_{index}": f"{index}.5" for index in range(20)})
