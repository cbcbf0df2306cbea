"""Explains the URL of a pixel in words to somebody who opens it as a page, where there would be an image to see."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from html import escape
from typing import TYPE_CHECKING, Any

from werkzeug.wsgi import ClosingIterator

from ..errors import Rejected
from ..schema import event_schemas
from ..text import printable
from .check.hints import hints_of_parameters
from .check.spelling import KnownNames
from .check.url import parameters
from .report import Outcome, outcomes

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

Headers = list[tuple[str, str]]

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem }}
pre {{ overflow-x: auto }}</style>
<h1>{title}</h1>
{said}
<p>This URL is a tracking pixel. In a page or a mail, it is the <code>src</code> of an image that nobody sees. That you
have opened it counts as well.</p>
<p><a href="{live}">The live view</a> shows this event among the others. <code>python -m pixelmw check</code> says
more about a URL, without anything being stored.</p>
</html>
"""


def explaining(app: WSGIApplication, live_path: str) -> WSGIApplication:
    """Make an application that answers as *app* does, but answers a pixel that is opened as a page with a page.

    The status and what is stored stay the same. Browsers say by
    ``Sec-Fetch-Dest: document`` that they open a page.

    :param live_path: where the live view is.
    """

    def explained(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("HTTP_SEC_FETCH_DEST") != "document":
            return app(environ, start_response)
        of_request: list[Outcome] = []
        token = outcomes.set(of_request)
        page: list[bytes] = []

        def start_page(status: str, headers: Headers, exc_info: Any = None, /) -> Callable[[bytes], object]:
            # An application that starts its answer only when it is iterated is not explained: it is none of ours.
            if not of_request or outcomes.get() is not of_request:
                return start_response(status, headers, exc_info) if exc_info else start_response(status, headers)
            query = environ.get("QUERY_STRING", "")
            page[:] = [_page(of_request[0], query, environ.get("SCRIPT_NAME", "") + live_path)]
            return start_response(status, _page_headers(headers, page[0]))

        try:
            answer = app(environ, start_page)
        finally:
            outcomes.reset(token)
        return ClosingIterator(page, getattr(answer, "close", None)) if page else answer

    return explained


def _page_headers(headers: Headers, page: bytes) -> Headers:
    kept = [(name, value) for name, value in headers if not name.lower().startswith("content-")]
    return [
        *kept,
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Length", str(len(page))),
        ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    ]


def _page(outcome: Outcome, query: str, live: str) -> bytes:
    if isinstance(outcome, Rejected):
        title, said = "This pixel was refused", _refusal(outcome) + _hints(str(outcome.event_type), query)
    elif outcome is None:
        title, said = "This pixel was discarded", "<p>An enricher has discarded the event on purpose.</p>"
    else:
        shown = "\n".join(map(printable, json.dumps(outcome, ensure_ascii=False, indent=2, default=str).split("\n")))
        title = "This pixel was stored"
        event_type = str(outcome.get("type"))
        said = f"<p>It became this {escape(event_type)} event:</p>\n<pre>{escape(shown)}</pre>"
        said += _hints(event_type, query)
    return _PAGE.format(title=title, said=said, live=escape(live)).encode("utf-8", "replace")


def _refusal(refusal: Rejected) -> str:
    facts = {"parameter": refusal.path, "rule": refusal.rule, "code": refusal.code, "status": refusal.status}
    shown = ", ".join(f"{name} {printable(str(value))}" for name, value in facts.items() if value is not None)
    return f"<p><strong>{escape(printable(refusal.message))}</strong></p>\n<p>In short: {escape(shown)}.</p>"


def _hints(event_type: str, query: str) -> str:
    """What is likely a mistake, as ``check`` tells it by the bundled schemas."""
    schema = event_schemas().get(event_type)
    known_names: KnownNames = schema.named_properties if schema else lambda path: frozenset()
    found = hints_of_parameters(parameters(query), known_names)
    items = "".join(f"<li>{escape(hint.message)}</li>\n" for hint in found)
    return f"\n<p>This is likely a mistake:</p>\n<ul>\n{items}</ul>" if items else ""
