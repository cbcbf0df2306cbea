"""The wrapped application under the servers that people deploy with, over real sockets."""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pixelmw.replies import GIF
from tests.support.servers import APPLICATIONS, TIMEOUT, Answer, exchange, request, running, send
from tests.support.slow import slow_but

AMP_PAGE = (
    "/pixel/v1/page?writeKey=k%2B1&context.library.name=Rudderstack%20AMP%20SDK&context.library.version=1.0.0"
    "&context.platform=AMP&anonymousId=%22amp-Xq%2D7%22&context.locale=de-CH&context.page.path=%2Fb%C3%BCcher"
    "&context.page.url=https%3A%2F%2Fb%C3%BCcher.example%2F%3Fa%3D1%26b%3D2&context.page.referrer="
    "&context.page.title=B%C3%BCcher%20%E2%80%94%20%E6%9B%B8%E7%B1%8D%20%F0%9F%93%9A&context.screen.width=412"
    "&context.screen.height=915&properties.path=%2Fb%C3%BCcher&name="
)
SERVERS = (
    "gunicorn-sync",
    "gunicorn-gthread",
    "gunicorn-preload",
    "waitress",
    "uwsgi",
    "uwsgi-master",
    "werkzeug",
    "uvicorn",
    "hypercorn",
    "asgi-uvicorn",
    "asgi-hypercorn",
    "asgi-granian",
)
QUICK = {*SERVERS} - {"gunicorn-preload", "uwsgi-master", "hypercorn", "asgi-hypercorn"}
#: What no client should send, and some do: each goes into the value of a property.
RAW = {
    "latin-1": b"caf\xe9",
    "raw-utf-8": "Bücher 書籍".encode().replace(b" ", b"+"),
    "not-utf-8": b"\xff\xfe\x80\xc0\xaf",
    "raw-spaces": b"412 x 915",
    "nul": b"a\x00b",
    "control-characters": b"a\x01\x1b\x7fb",
    "fragment": b"a#b",
    "broken-percent": b"100%&properties.y=%zz%",
}


def track(message_id: str, extra: str = "") -> str:
    return f"/pixel/v1/track?writeKey=k&anonymousId=a&event=Signed+up&messageId={message_id}{extra}"


class Site(NamedTuple):
    """A server that runs, and the database that its application stores into."""

    port: int
    database: Path

    def send(self, method: str, target: str | bytes, *headers: str, body: bytes = b"") -> Answer:
        return send(self.port, method, target, *headers, body=body)

    def stored(self, message_id: str) -> list[dict[str, Any]]:
        """The events whose messageId is like *message_id*, in the manner of SQL."""
        with closing(sqlite3.connect(self.database, timeout=TIMEOUT)) as connection:
            rows = connection.execute("SELECT body FROM events WHERE message_id LIKE ? ORDER BY 1", [message_id])
            return [json.loads(body) for (body,) in rows]

    def stored_ids(self, message_id: str) -> list[str]:
        return sorted(event["messageId"] for event in self.stored(message_id))


@contextmanager
def site_under(server: str, directory: Path, *options: str) -> Iterator[Site]:
    """The application under *server*, storing into *directory*."""
    database = directory / "events.db"
    with running(server, APPLICATIONS[server], directory, *options, PIXELMW_TEST_DB=str(database)) as port:
        yield Site(port, database)


@pytest.fixture(scope="module", params=slow_but(QUICK, SERVERS))
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The application under each server in turn."""
    with site_under(request.param, tmp_path_factory.mktemp(request.param)) as running_site:
        yield running_site


def test_a_page_as_amp_sends_it_is_stored(site: Site) -> None:
    answer = site.send("GET", f"{AMP_PAGE}&messageId=amp", "Referer: https://cdn.ampproject.org/")
    assert (answer.status, answer.body) == (200, GIF)
    [event] = site.stored("amp")
    assert (event["type"], event["name"], event["anonymousId"]) == ("page", "Unknown Page", "amp-Xq-7")
    assert event["context"]["page"] == {
        "path": "/bücher",
        "referrer": "",
        "title": "Bücher — 書籍 📚",
        "url": "https://bücher.example/?a=1&b=2",
    }
    assert (event["context"]["ip"], event["context"]["userAgent"]) == ("127.0.0.1", "raw/1")
    assert (event["context"]["locale"], event["context"]["screen"]["width"]) == ("de-CH", 412)


def test_a_track_url_is_stored_and_answered_with_every_header_of_the_contract(site: Site) -> None:
    answer = site.send("GET", track("track", "&properties.plan=pro&properties.tags.0=a&properties.tags.1=b"))
    assert (answer.status, answer.body) == (200, GIF)
    [event] = site.stored("track")
    assert (event["event"], event["properties"]) == ("Signed up", {"plan": "pro", "tags": ["a", "b"]})
    headers = answer.headers
    assert (headers["Content-Type"], headers["Content-Length"]) == ("image/gif", "43")
    assert {"no-store", "private"} <= set(headers["Cache-Control"].split(", "))
    assert (headers["Cross-Origin-Resource-Policy"], headers["Access-Control-Allow-Origin"]) == ("cross-origin", "*")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert not [name for name in ("ETag", "Last-Modified", "X-Pixel-Error", "Transfer-Encoding") if name in headers]


def test_each_of_many_events_at_once_is_stored_exactly_once(site: Site) -> None:
    ids = [f"burst-{number:03}" for number in range(100)]
    with ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(lambda message_id: site.send("GET", track(message_id)), ids))
    assert Counter((answer.status, answer.body) for answer in answers) == {(200, GIF): len(ids)}
    assert site.stored_ids("burst-%") == ids


def test_an_event_that_is_sent_again_is_accepted_and_stored_once(site: Site) -> None:
    with ThreadPoolExecutor(4) as clients:
        answers = list(clients.map(lambda _: site.send("GET", track("again")), range(8)))
    assert [answer.status for answer in answers] == [200] * 8
    assert site.stored_ids("again") == ["again"]


def test_a_refused_event_still_shows_an_image_and_is_not_stored(site: Site) -> None:
    assert site.send("GET", track("refused-no")).status == 200
    answer = site.send("GET", "/pixel/v1/track?writeKey=k&anonymousId=a&event=&messageId=refused-yes")
    assert (answer.status, answer.headers["X-Pixel-Error"], answer.body) == (400, "invalid", GIF)
    assert answer.headers["Access-Control-Expose-Headers"] == "X-Pixel-Error"
    assert site.stored_ids("refused-%") == ["refused-no"]


def test_head_has_the_length_of_the_image_but_no_body_and_stores_nothing(site: Site) -> None:
    assert site.send("GET", track("head-get")).status == 200
    answer = site.send("HEAD", track("head-head"))
    assert (answer.status, answer.headers["Content-Length"], answer.body) == (200, "43", b"")
    assert answer.headers["Content-Type"] == "image/gif"
    assert site.stored_ids("head-%") == ["head-get"]


def test_options_is_204_without_a_body_and_stores_nothing(site: Site) -> None:
    assert site.send("GET", track("options-get")).status == 200
    preflight = ("Origin: https://shop.example", "Access-Control-Request-Method: GET")
    answer = site.send("OPTIONS", track("options-options"), *preflight)
    assert (answer.status, answer.body, answer.headers["Allow"]) == (204, b"", "GET, HEAD, OPTIONS")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert site.stored_ids("options-%") == ["options-get"]


def test_a_post_is_405_and_stores_nothing(site: Site) -> None:
    assert site.send("GET", track("post-get")).status == 200
    answer = site.send("POST", track("post-post"), "Content-Type: application/json", body=b'{"event": "e"}')
    assert (answer.status, answer.headers["X-Pixel-Error"], answer.body) == (405, "bad-method", GIF)
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"
    assert site.stored_ids("post-%") == ["post-get"]


def test_a_body_that_nobody_read_is_not_taken_for_the_next_request(site: Site) -> None:
    """The 405 comes without a look at the body, and the connection may be kept."""
    smuggled = request("GET", track("smuggled"))
    first = request("POST", track("carrier"), "Connection: keep-alive", body=smuggled)
    exchange(site.port, first + request("GET", track("follower")))
    assert site.send("GET", track("smuggled-not")).status == 200
    assert site.stored_ids("smuggled%") == ["smuggled-not"]


@pytest.mark.parametrize("name", RAW)
def test_raw_bytes_get_an_answer_and_leave_the_server_well(site: Site, name: str) -> None:
    """The server may refuse the request before we see it; we take the value as it is."""
    answer = site.send("GET", b"%s&properties.x=%s" % (track(f"{name}-sent").encode(), RAW[name]))
    assert "X-Pixel-Error" not in answer.headers
    assert (answer.status, answer.body) == (200, GIF) or 400 <= answer.status < 500
    assert site.send("GET", track(f"{name}-after")).status == 200
    assert site.stored_ids(f"{name}-%") == [f"{name}-after"] + [f"{name}-sent"] * (answer.status == 200)


def test_a_line_feed_in_the_request_line_adds_no_header_to_the_answer(site: Site) -> None:
    """The raw answer is looked at: to some servers such a request is one of HTTP/0.9, and so is their answer."""
    target = track("feed", "&properties.x=a\nX-Injected: yes\nb").encode()
    head = exchange(site.port, request("GET", target)).partition(b"\r\n\r\n")[0]
    assert not re.search(rb"^X-Injected", head, re.MULTILINE)
    assert site.send("GET", track("feed-after")).status == 200
    assert site.stored_ids("feed-after") == ["feed-after"]


@pytest.mark.parametrize("path", ["/", "/pixel/v1/pages", "/pixel/v1/page/", "/favicon.ico"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_any_other_path_is_the_applications(site: Site, method: str, path: str) -> None:
    answer = site.send(method, f"{path}?writeKey=k&anonymousId=a&event=e", body=b"x" if method == "POST" else b"")
    assert (answer.status, answer.body) == (200, f"host {method} {path}".encode())
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_an_over_long_query_is_refused_by_the_server_or_by_us(site: Site) -> None:
    """Which of the two is the server's choice. uWSGI hands over an empty query string, which lacks a write key."""
    answer = site.send("GET", track("long", f"&properties.x={'x' * 33_000}"))
    assert (answer.status, answer.headers["X-Pixel-Error"]) in {
        (400, None),
        (414, None),
        (414, "too-large"),
        (401, "unauthorized"),
    }
    assert site.send("GET", track("long-not")).status == 200
    assert site.stored_ids("long%") == ["long-not"]


@pytest.mark.parametrize(
    ("options", "status"),
    [([], {400, 414}), (["--limit-request-line=8190"], {200})],
    ids=["by-default", "with-a-higher-limit"],
)
def test_gunicorn_needs_an_option_for_a_query_of_6000_bytes(
    tmp_path: Path, options: list[str], status: set[int]
) -> None:
    """gunicorn refuses request lines of more than 4094 bytes before the application sees them."""
    with site_under("gunicorn-sync", tmp_path, *options) as site:
        assert site.send("GET", track("short")).status == 200
        answer = site.send("GET", track("long", f"&properties.x={'x' * 6_000}"))
        assert answer.status in status
        assert "X-Pixel-Error" not in answer.headers
        assert site.stored_ids("long") == ["long"] * (answer.status == 200)
