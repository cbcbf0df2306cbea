"""A real browser shows the pixels of real pages, and they become events."""

from __future__ import annotations

import html
import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from pixelmw import Event, PixelMiddleware, Rejected
from pixelmw.replies import GIF
from pixelmw.sinks import SQLite
from tests.support.browsers import page_text
from tests.support.servers import serving

#: Once all images have come, or have failed to, says what became of them, and of the URLs to fetch.
PAGE = """<!doctype html>
<html lang="de"><meta charset="utf-8"><title>Bücher</title>
{images}
<pre id="report"></pre>
<script>
addEventListener("load", async () => {{
  const report = {{}};
  for (const {{id, complete, naturalWidth, naturalHeight}} of document.images)
    report[id] = [complete, naturalWidth, naturalHeight];
  for (const url of {fetched})
    report[url] = await fetch(url).then(
      (response) => [response.status, response.headers.get("X-Pixel-Error")],
      () => "blocked",
    );
  document.getElementById("report").textContent = JSON.stringify(report);
}});
</script>
"""
TRACK = "/pixel/v1/track?writeKey=k&anonymousId=a"
SHOWN, BROKEN = [True, 1, 1], [True, 0, 0]


def page(images: dict[str, str], fetched: list[str] | None = None) -> str:
    tags = (f'<img id="{name}" src="{html.escape(url)}" alt="">' for name, url in images.items())
    return PAGE.format(images="\n".join(tags), fetched=json.dumps(fetched or []))


class Host:
    """An application that serves pages, and an image like ours without our headers."""

    def __init__(self, *headers: tuple[str, str]) -> None:
        self.pages: dict[str, str] = {}
        self.headers = headers
        self.browsers: list[str] = []

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        path = environ["PATH_INFO"]
        content_type, body = "text/html", self.pages.get(path, "").encode()
        if path == "/plain.gif":
            content_type, body = "image/gif", GIF
        elif body:
            self.browsers.append(environ["HTTP_USER_AGENT"])
        start_response("200 OK", [("Content-Type", content_type), ("Content-Length", str(len(body))), *self.headers])
        return [body]


class Site:
    """A host application with pixels, behind a threaded server."""

    def __init__(self, base: str, host: Host, database: Path, refusals: list[Rejected]) -> None:
        self.base, self.host, self.database, self.refusals = base, host, database, refusals

    def stored(self) -> list[Event]:
        with closing(sqlite3.connect(self.database)) as connection:
            return [json.loads(body) for (body,) in connection.execute("SELECT body FROM events ORDER BY message_id")]


@contextmanager
def collecting(directory: Path, **options: Any) -> Iterator[Site]:
    """A site that stores into *directory*, all but the events that are called "lost"."""
    host, refusals = Host(), list[Rejected]()
    with SQLite(directory / "events.db") as store:

        def sink(event: Event) -> None:
            if event.get("event") == "lost":
                raise OSError("the disk is gone")
            store(event)

        app = PixelMiddleware(host, sink, on_reject=refusals.append, **options)
        with serving(app) as port:
            yield Site(f"http://127.0.0.1:{port}", host, store.path, refusals)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with collecting(tmp_path) as collecting_site:
        yield collecting_site


@pytest.fixture
def browse(tmp_path: Path) -> Callable[[str], dict[str, Any]]:
    """Opens a page in a browser of its own, and gives what the page reports."""

    def open_page(url: str) -> dict[str, Any]:
        dom = page_text(url, tmp_path, "--accept-lang=de-CH,de")
        report = re.search(r'<pre id="report">(.+)</pre>', dom)
        assert report, dom
        return json.loads(html.unescape(report[1]))  # type: ignore[no-any-return]

    return open_page


def test_the_pixels_of_a_page_are_shown_and_become_events(site: Site, browse: Callable[[str], Any]) -> None:
    """The title is spelled as people write it: what becomes of it on the way is the browser's choice."""
    site.host.pages["/shop"] = page(
        {
            "tracked": f"{TRACK}&event=Product+viewed&properties.price=9.5&messageId=1",
            "refused": f"{TRACK}&event=&messageId=2",
            "paged": "/pixel/v1/page?writeKey=k&anonymousId=a&properties.title=Bücher — 書籍 📚&name=&messageId=3",
        }
    )
    url = f"{site.base}/shop?q=b%C3%BCcher&page=2"
    assert browse(url) == {"tracked": SHOWN, "refused": SHOWN, "paged": SHOWN}
    tracked, paged = site.stored()
    assert (tracked["messageId"], tracked["event"], tracked["properties"]) == ("1", "Product viewed", {"price": "9.5"})
    assert (paged["messageId"], paged["name"]) == ("3", "Unknown Page")
    assert tracked["context"]["page"] == {"url": url}
    assert paged["context"]["page"] == {"url": url, "title": "Bücher — 書籍 📚"}
    for event in tracked, paged:
        assert [event["context"]["userAgent"]] == site.host.browsers
        assert (event["context"]["locale"], event["context"]["ip"]) == ("de-CH", "127.0.0.1")
    assert [(refusal.code, refusal.path) for refusal in site.refusals] == [("invalid", "event")]


def test_no_kind_of_refusal_breaks_an_image(site: Site, browse: Callable[[str], Any]) -> None:
    refused = {
        "invalid": f"{TRACK}&event=",
        "unauthorized": "/pixel/v1/track?anonymousId=a&event=e",
        "bad-query": f"{TRACK}&event=e&properties=1&properties.a=2",
        "too-large": f"{TRACK}&event=e&properties.a={'x' * 33_000}",
        "unavailable": f"{TRACK}&event=lost",
    }
    site.host.pages["/"] = page(refused)
    assert browse(f"{site.base}/") == dict.fromkeys(refused, SHOWN)
    assert site.stored() == []
    assert sorted(refusal.code for refusal in site.refusals) == ["bad-query", "invalid", "too-large", "unauthorized"]


def test_text_in_place_of_the_image_shows_as_a_broken_one(tmp_path: Path, browse: Callable[[str], Any]) -> None:
    """RudderStack documents OK as the answer; this is why it is not our default."""
    with collecting(tmp_path, reply="ok") as site:
        site.host.pages["/"] = page({"stored": f"{TRACK}&event=e", "refused": f"{TRACK}&event="})
        assert browse(f"{site.base}/") == {"stored": BROKEN, "refused": BROKEN}
        assert [event["event"] for event in site.stored()] == ["e"]


@pytest.mark.parametrize(
    ("headers", "plain"),
    [([("Cross-Origin-Embedder-Policy", "require-corp")], BROKEN), ([], SHOWN)],
    ids=["isolated", "ordinary"],
)
def test_a_page_of_another_site_shows_the_pixel_even_where_it_is_isolated(
    site: Site, browse: Callable[[str], Any], headers: list[tuple[str, str]], plain: list[Any]
) -> None:
    """Such a page shows no image of others without Cross-Origin-Resource-Policy, as the plain one proves."""
    other = Host(*headers)
    urls = {"stored": f"{TRACK}&event=e", "refused": f"{TRACK}&event=", "plain": "/plain.gif"}
    other.pages["/article"] = page({name: site.base + url for name, url in urls.items()})
    with serving(other) as port:
        assert browse(f"http://localhost:{port}/article") == {"stored": SHOWN, "refused": SHOWN, "plain": plain}
        [event] = site.stored()
        # All that a browser tells another site of where its user is.
        assert event["context"]["page"] == {"url": f"http://localhost:{port}/"}


def test_a_script_of_another_site_can_read_how_it_went(site: Site, browse: Callable[[str], Any]) -> None:
    """That a script cannot read the host application's answer shows that the browser looks at these headers."""
    other = Host()
    answers = {
        f"{site.base}{TRACK}&event=e": [200, None],
        f"{site.base}{TRACK}&event=": [400, "invalid"],
        f"{site.base}/pixel/v1/track?anonymousId=a&event=e": [401, "unauthorized"],
        f"{site.base}{TRACK}&event=lost": [503, "unavailable"],
        f"{site.base}/plain.gif": "blocked",
    }
    other.pages["/"] = page({}, fetched=list(answers))
    with serving(other) as port:
        assert browse(f"http://localhost:{port}/") == answers
    assert [event["event"] for event in site.stored()] == ["e"]
