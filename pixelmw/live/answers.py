"""What the live view answers: a status, headers and a body, for whichever shell sends them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

_JSON = "application/json"
_TEXT = "text/plain; charset=utf-8"
_NOTHING = "default-src 'none'; frame-ancestors 'none'"

# What is shown is personal: no cache keeps it, and no other site may frame it, embed it or learn where a link led from.
_COMMON_HEADERS = (
    ("Cache-Control", "no-store"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
)


class LiveAnswer(NamedTuple):
    """An answer that any shell can send.

    :ivar status: the HTTP status code.
    :ivar headers: names and values, with the exact ``Content-Length`` of a GET.
    :ivar body: empty for a HEAD.
    """

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def make_answer(
    status: int,
    body: bytes,
    content_type: str,
    *,
    policy: str = _NOTHING,
    headers: Iterable[tuple[str, str]] = (),
) -> LiveAnswer:
    """An answer with the headers that all have.

    :param policy: its ``Content-Security-Policy``; by default nothing is loaded, and nothing runs.
    """
    content_headers = [("Content-Type", content_type), ("Content-Length", str(len(body)))]
    return LiveAnswer(status, [*content_headers, ("Content-Security-Policy", policy), *_COMMON_HEADERS, *headers], body)


def json_answer(text: str, status: int = 200) -> LiveAnswer:
    """An answer of JSON, which is ASCII."""
    return make_answer(status, text.encode("ascii"), _JSON)


def text_answer(status: int, text: str, headers: Iterable[tuple[str, str]] = ()) -> LiveAnswer:
    """An answer in words."""
    return make_answer(status, f"{text}\n".encode("utf-8", "replace"), _TEXT, headers=headers)
