"""The page that ``python -m pixelmw serve`` shows: it carries a pixel, and has URLs to try."""

from __future__ import annotations

from html import escape
from shlex import quote as quote_for_shell
from typing import TYPE_CHECKING
from urllib.parse import quote

from werkzeug.wrappers import Response
from werkzeug.wsgi import get_current_url

from ..events import PATHS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>pixelmw</title>
<style>body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem }}
code {{ overflow-wrap: anywhere }}</style>
<h1>pixelmw is collecting</h1>
<p>This page carries a pixel, so your visit is an event already. <a id="live" href="{live}">The live view</a> shows it,
so does the terminal, and the database has it:</p>
<p><code>sqlite3 {database} "select received_at, type, body from events"</code></p>
<p>A URL to try, and one that is refused and says why:</p>
<p><a href="{good}"><code>{good}</code></a></p>
<p><a href="{bad}"><code>{bad}</code></a></p>
<p>For a page or an e-mail of your own:</p>
<p><code>&lt;img src="{good}" width="1" height="1" alt=""&gt;</code></p>
<img src="{page}" width="1" height="1" alt="">
</html>
"""


def welcome_app(
    write_key: str,
    database: str,
    live: str,
    *,
    on_near_miss: Callable[[str, str], object] = lambda path, pixel_path: None,
) -> WSGIApplication:
    """Make a WSGI application that has this page at ``/``, and nothing else.

    :param write_key: the write key in the page's URLs.
    :param database: the database file that the page names.
    :param live: the path of the live view that the page leads to.
    :param on_near_miss: called with a path that is no pixel path but looks like one, and with that one.
    """

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path != "/":
            text = "Not here; the front page is at /\n"
            if pixel_path := _pixel_path_like(path):
                on_near_miss(path, pixel_path)
                text = f"Not here: a pixel's path is exact, and the one like this is {pixel_path}\n"
            return Response(text, 404)(environ, start_response)
        base = get_current_url(environ, root_only=True).rstrip("/")
        query = f"?writeKey={quote(write_key, safe='')}&anonymousId=welcome"
        page = _PAGE.format(
            good=escape(f"{base}/pixel/v1/track{query}&event=Hello&context.screen.width=1440"),
            bad=escape(f"{base}/pixel/v1/track{query}&event="),
            page=escape(f"/pixel/v1/page{query}&name=Welcome"),
            database=escape(quote_for_shell(database)),
            live=escape(environ.get("SCRIPT_NAME", "") + live),
        )
        return Response(page, mimetype="text/html")(environ, start_response)

    return app


def _pixel_path_like(path: str) -> str | None:
    """The pixel path that *path* would be with other slashes or in lower case, if there is one."""
    plain = "/" + "/".join(filter(None, path.lower().split("/")))
    return plain if plain in PATHS else None
