"""Somebody who opens the URL of a pixel as a page is told in words what became of it; everybody else gets the image."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from pixelmw import Discard
from pixelmw.cli.explain import explaining
from pixelmw.cli.report import Report, ReportingView
from pixelmw.cli.serve import make_welcome_app
from pixelmw.live import LiveView
from pixelmw.replies import GIF
from pixelmw.sinks import SQLite
from tests.support.browsers import page_text
from tests.support.command_line import serving
from tests.support.pixel import Pixel, WholeClient
from tests.support.servers import serving as serving_here

TRACK = "/pixel/v1/track?writeKey=s3cret-key&anonymousId=a&event="
DOCUMENT = {"Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate"}


@pytest.fixture
def client(tmp_path: Path) -> Iterator[WholeClient]:
    with SQLite(tmp_path / "x.db") as store:
        live = LiveView()
        yield WholeClient(explaining(make_welcome_app(store, [], "gif", Report(), live), live.path))


def opened(client: WholeClient, url: str, **options: Any) -> TestResponse:
    """The answer to a browser that opens *url* as a page."""
    return client.get(url, headers=DOCUMENT, **options)


def test_a_stored_event_is_shown(client: WholeClient, tmp_path: Path) -> None:
    answer = opened(client, f"{TRACK}Opened&properties.revenue=5")
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    assert "no-store" in answer.headers["Cache-Control"]
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    text = unescape(answer.text)
    assert "It became this track event" in text
    assert '"revenue": 5' in text
    assert 'href="/_pixelmw"' in answer.text
    assert "s3cret" not in answer.text
    with closing(sqlite3.connect(tmp_path / "x.db")) as connection:
        assert connection.execute("SELECT event FROM events").fetchall() == [("Opened",)]


def test_a_refusal_is_explained_with_its_status(client: WholeClient) -> None:
    answer = opened(client, TRACK)
    assert (answer.status_code, answer.headers["X-Pixel-Error"]) == (400, "invalid")
    assert "<strong>event must not be blank</strong>" in answer.text
    assert "parameter event, rule pattern, code invalid, status 400" in answer.text
    assert opened(client, "/pixel/v1/track").status_code == 401


def test_what_is_likely_a_mistake_is_told_as_check_tells_it(client: WholeClient) -> None:
    answer = opened(client, "/pixel/v1/track?writeKey=k&anonymousId={{id}}&evnet=Opened")
    assert "<li>evnet is no known field: is event meant?</li>" in answer.text
    assert "anonymousId holds the placeholder &quot;{{id}}&quot;" in answer.text
    assert "<li>" not in opened(client, f"{TRACK}Opened").text


@pytest.mark.parametrize(
    "headers", [{}, {"Sec-Fetch-Dest": "image"}, {"Sec-Fetch-Dest": "empty"}, {"Sec-Fetch-Dest": "iframe"}]
)
def test_everybody_else_gets_the_image(client: WholeClient, headers: dict[str, str]) -> None:
    assert client.get(f"{TRACK}e", headers=headers).data == GIF
    assert client.get(TRACK, headers=headers).data == GIF


def test_other_pages_are_left_alone(client: WholeClient) -> None:
    assert "pixelmw is collecting" in opened(client, "/").text
    assert opened(client, "/else").status_code == 404


def test_head_and_options_stay_what_they_are(client: WholeClient) -> None:
    assert client.open(f"{TRACK}e", method="HEAD", headers=DOCUMENT).data == b""
    assert client.open(f"{TRACK}e", method="OPTIONS", headers=DOCUMENT).status_code == 204


@pytest.mark.parametrize("evil", ["<script>alert(1)</script>", "</pre><img src=x onerror=alert(1)>", "\x1b[31m\u202e"])
def test_markup_and_control_characters_stay_text(client: WholeClient, evil: str) -> None:
    for name in ("event", "properties.x", "anonymousId", evil):
        for bad in ("", "&context.screen.width=x", f"&context.screen.width={evil}", f"&a=1&a.{evil}=1"):
            answer = client.get(
                "/pixel/v1/track", query_string=f"writeKey=k&anonymousId=a&event=e&{name}={evil}{bad}", headers=DOCUMENT
            )
            assert not re.search(r"<script|<img|[\x1b\u202e]", answer.text)
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_an_enricher_that_discards_is_told() -> None:
    def discard(event: object, request: object) -> None:
        raise Discard

    pixel = Pixel(enrich=[discard])
    live = LiveView()
    pixel.middleware.show_in(ReportingView(live, Report()))
    answer = opened(WholeClient(explaining(pixel.middleware, live.path)), f"{TRACK}e")
    assert (answer.status_code, "discarded" in answer.text) == (200, True)


def test_a_real_browser_is_told_when_it_opens_a_pixel(tmp_path: Path) -> None:
    with serving(tmp_path) as (_, address):
        assert "This pixel was refused" in page_text(f"{address}{TRACK}", tmp_path)
        page = page_text(f"{address}/", tmp_path)
        assert f'href="{"/_pixelmw"}"' in page


def test_an_application_mounted_below_a_path_leads_to_its_own_live_view(client: WholeClient) -> None:
    answer = opened(client, f"{TRACK}e", environ_overrides={"SCRIPT_NAME": "/shop"})
    assert 'href="/shop/_pixelmw"' in answer.text
    assert 'href="/shop/_pixelmw"' in client.get("/", environ_overrides={"SCRIPT_NAME": "/shop"}).text


def test_it_works_in_threads(client: WholeClient, tmp_path: Path) -> None:
    with SQLite(tmp_path / "y.db") as store:
        live = LiveView()
        app = explaining(make_welcome_app(store, [], "gif", Report(), live), live.path)
        with serving_here(app) as port:
            assert "This pixel was stored" in page_text(f"http://127.0.0.1:{port}{TRACK}e", tmp_path)
