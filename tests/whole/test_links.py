"""Links on real sockets and in a real browser: what is built arrives, and one tag is one event."""

from __future__ import annotations

import html
import json
import re
import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import given, seed, settings

from pixelmw import Event, PixelMiddleware
from pixelmw.links import Links, LongLinkWarning, Signer
from tests.support import browsers
from tests.support.pixel import host_app
from tests.support.servers import running, send, serving
from tests.support.slow import slow_but
from tests.support.trees import TREES

KEY = "a key for these tests only"  # the one of tests.support.server_app
PLAIN = Links("http://127.0.0.1", write_key="k")
SIGNED = Links("http://127.0.0.1", write_key="k", signer=Signer([KEY]))
SAMPLE = 60


@pytest.fixture(scope="module", params=slow_but(("gunicorn-sync",), ("gunicorn-sync", "waitress")))
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    return request.param, tmp_path_factory.mktemp(request.param)


@pytest.mark.parametrize(
    ("application", "links"), [pytest.param("application", PLAIN, marks=pytest.mark.slow), ("signing", SIGNED)]
)
def test_hostile_text_comes_back_through_a_server(server: tuple[str, Path], application: str, links: Links) -> None:
    name, directory = server
    database = directory / f"{application}.db"
    sent: dict[str, dict[str, Any]] = {}

    @seed(17)
    @settings(database=None, deadline=None, max_examples=SAMPLE)
    @given(TREES)
    def send_one(tree: dict[str, Any]) -> None:
        number = str(len(sent))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LongLinkWarning)
            try:
                url = links.track("E", user_id="1", message_id=number, properties=tree)
            except ValueError as error:
                if "at most" in str(error):  # a tree past a limit has no link
                    return
                raise
        parts = urlsplit(url)
        assert send(port, "GET", f"{parts.path}?{parts.query}").status == 200
        sent[number] = tree

    app = f"tests.support.server_app:{application}"
    with running(name, app, directory, PIXELMW_TEST_DB=str(database)) as port:
        send_one()
    with closing(sqlite3.connect(database)) as connection:
        stored = dict(connection.execute("SELECT message_id, body FROM events"))
    assert {number: json.loads(body)["properties"] for number, body in stored.items()} == sent
    assert len(sent) > SAMPLE / 2


def as_gmail(tag: str, proxy: str) -> str:
    """Gmail loads images through its proxy, which gets the URL behind a number sign."""
    source = html.unescape(re.findall(r'src="([^"]+)"', tag)[0])
    tag = tag.replace(html.escape(source), f"{proxy}/meips/x#{html.escape(source)}")
    return tag.replace(' alt=""', ' alt="" class="CToWUd"')


def as_outlook(tag: str, proxy: str) -> str:
    """Outlook on the web takes the important styles apart, and keeps the attributes."""
    return tag.replace("!important", "").replace(' border="0"', ' data-imagetype="External" border="0"')


def as_apple_mail(tag: str, proxy: str) -> str:
    """Apple Mail shows a mail as it is, within styles of its own."""
    return f'<div style="max-width:100%;word-wrap:break-word">{tag}</div>'


class Mailbox:
    """A site with pages, an image proxy as Gmail has one, and a pixel."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.fetched: list[str] = []
        self.pages: dict[str, str] = {}
        self.pixel = PixelMiddleware(self._host, self.events.append, signer=Signer([KEY]), unsigned="allow")

    def _host(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        page = self.pages.get(environ["PATH_INFO"])
        if page is None:
            return host_app(environ, start_response)
        start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
        return [page.encode()]

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        if environ["PATH_INFO"].startswith("/pixel/"):
            self.fetched.append(environ["QUERY_STRING"])
        return self.pixel(environ, start_response)


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, str]]:
    box = Mailbox()
    with serving(box) as port:
        yield box, f"http://127.0.0.1:{port}"


REWRITES = {"page": lambda tag, proxy: tag, "outlook": as_outlook, "apple-mail": as_apple_mail}


@pytest.mark.parametrize("client", slow_but(("page",), REWRITES))
@pytest.mark.parametrize("signer", [pytest.param(None, marks=pytest.mark.slow), Signer([KEY])], ids=["plain", "signed"])
def test_one_tag_is_one_request_and_one_event_and_nothing_is_seen(
    client: str, signer: Signer | None, mailbox: tuple[Mailbox, str], tmp_path: Path
) -> None:
    box, base = mailbox
    links = Links(base, write_key="k", signer=signer)
    fields: dict[str, Any] = {"user_id": "42", "properties": {"campaign": "spring & <summer> \"'", "amp;": " é "}}
    tag = REWRITES[client](links.img("track", "Email Opened", **fields), base)
    empty = '<body style="margin:0;background:#fff">{}</body>'
    box.pages = {"/mail": empty.format(tag), "/empty": empty.format("")}
    shown = browsers.screenshot(f"{base}/mail", tmp_path / "mail.png")
    assert len(box.fetched) == 1
    (event,) = box.events
    assert (event["event"], event["userId"], event["properties"]) == ("Email Opened", "42", fields["properties"])
    assert shown == browsers.screenshot(f"{base}/empty", tmp_path / "empty.png")


def test_a_proxy_that_fetches_the_url_of_a_mail_gets_the_event(mailbox: tuple[Mailbox, str]) -> None:
    """Gmail's proxy is given the URL as the mail has it, once the escapes of HTML are taken away."""
    box, base = mailbox
    tag = Links(base, write_key="k", signer=Signer([KEY])).img("track", "E", user_id="42", properties={"a": "&amp;"})
    rewritten = as_gmail(tag, "https://ci3.googleusercontent.com")
    url = html.unescape(re.findall(r'src="[^"#]+#([^"]+)"', rewritten)[0])
    target = url.removeprefix(base)
    assert quote(target, safe="/?=&%.-_") == target
    port = urlsplit(base).port
    assert port is not None
    assert send(port, "GET", target, "User-Agent: (via ggpht.com GoogleImageProxy)").status == 200
    assert box.events[0]["properties"] == {"a": "&amp;"}
