"""The same damaged and hostile requests give the same events under every server, over real sockets."""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest

from pixelmw.replies import GIF
from tests.support.servers import APPLICATIONS, TIMEOUT, running, send
from tests.support.slow import slow_but

SERVERS = (
    "gunicorn-sync",
    "gunicorn-gthread",
    "gunicorn-gevent",
    "waitress",
    "uwsgi",
    "werkzeug",
    "uvicorn",
    "hypercorn",
    "asgi-uvicorn",
    "asgi-hypercorn",
    "asgi-granian",
)
QUICK = ("gunicorn-gthread", "asgi-uvicorn")
TRACK = "/pixel/v1/track?writeKey=k&event=e"
USER = f"{TRACK}&userId=u"
SEGMENT = base64.b64encode(b'{"writeKey": "k", "event": "e", "userId": "~~~???>>>", "n.m": [1, "\\u0000"]}').decode()

DEEP = base64.b64encode(b'{"a":' * 400 + b"1" + b"}" * 400).decode()
TWO = {"properties": {"a": "1", "b": "2"}}


def nested(path: str, value: Any) -> dict[str, Any]:
    for name in reversed(path.split(".")):
        value = {name: value}
    return {"properties": value}


class Damaged(NamedTuple):
    """A request, and what the event or its context has because of it; ``None`` for what it has not."""

    target: str
    expected: dict[str, Any]
    headers: tuple[str, ...] = ()


ACCEPTED = {
    "two slashes": Damaged(f"/{USER}", {"userId": "u"}),
    "two slashes, Segment's form": Damaged(f"//pixel/v1/track?data={quote(SEGMENT)}", {"userId": "~~~???>>>"}),
    "an escaped letter in the path": Damaged(USER.replace("pixel", "p%69xel"), {"userId": "u"}),
    "escaped once too often": Damaged(f"{USER}&amp;properties.a=1&amp;amp;properties.b=2", TWO),
    "broken over two lines": Damaged(f"{USER}&%0D%0A++properties.a=1&%0Aproperties.b+=2", TWO),
    "an escaped space in a name": Damaged(f"{USER}&properties.a%5C+=1", nested("a ", "1")),
    "cut off behind a parent": Damaged(f"{USER}&properties.a.b=1&properties", nested("a.b", "1")),
    "blank parents": Damaged(f"{USER}&context=&properties=&properties.a=&properties.a.b=1", nested("a.b", "1")),
    "an id of NUL": Damaged(f"{USER}&anonymousId=%00", {"anonymousId": None}),
    "an id that is a placeholder": Damaged(f"{USER}&anonymousId={quote('{{id}}')}", {"anonymousId": None}),
    "an id of script": Damaged(f"{USER}&anonymousId=undefined", {"anonymousId": None}),
    "an id with invisible ends": Damaged(f"{USER}&anonymousId=%E2%80%8B%22a%EF%BB%BF%22", {"anonymousId": "a"}),
    "a context that says nothing": Damaged(f"{USER}&context=undefined", {"userId": "u"}),
    "Segment's form, a raw plus": Damaged(f"/pixel/v1/track?data={SEGMENT}", {"n.m": [1, "\ufffd"]}),
    "a language that is none": Damaged(USER, {"locale": None}, ("Accept-Language: -BE",)),
    "the second language": Damaged(USER, {"locale": "nl"}, ("Accept-Language: q=0.8, nl;q=0.5, fr;q=0.4",)),
    "3,000 letters for a language": Damaged(USER, {"locale": None}, (f"Accept-Language: {'x' * 3000}",)),
    "a long Referer": Damaged(USER, {"page": {"url": "y" * 2048}}, (f"Referer: {'y' * 6000}",)),
    "a forged address": Damaged(f"{USER}&context.ip=6.6.6.6", {"ip": "127.0.0.1"}, ("X-Forwarded-For: 6.6.6.6",)),
    "names that are special elsewhere": Damaged(f"{USER}&properties.__proto__.x=1", nested("__proto__.x", "1")),
    "an index without an end": Damaged(f"{USER}&properties.a.99999999999=1", nested("a.99999999999", "1")),
    "no UTF-8": Damaged(f"{USER}&properties.a=%FF%ED%A0%80", nested("a", "\ufffd" * 4)),
}  # fmt: skip
REFUSED = {
    "nobody": (f"{TRACK}&userId=%7B%7Bid%7D%7D&anonymousId=%22undefined%22", 400, "invalid"),
    "a conflict": (f"{USER}&properties.a=1&properties.a.b=2", 400, "bad-query"),
    "a text for the context": (f"{USER}&context=x", 400, "invalid"),
    "a list for the properties": (f"{USER}&properties.0=x", 400, "invalid"),
    "no key inside": (f"/pixel/v1/track?data={quote(base64.b64encode(b'{}').decode())}", 401, "unauthorized"),
    "nested too deep": (f"/pixel/v1/track?data={quote(DEEP)}", 400, "bad-query"),
    "too many parameters": (f"{USER}{'&a' * 300}", 414, "too-large"),
}  # fmt: skip


class Site(NamedTuple):
    """A server that runs, and the database that its application stores into."""

    server: str
    port: int
    database: Path

    def stored(self) -> list[dict[str, Any]]:
        with closing(sqlite3.connect(self.database, timeout=TIMEOUT)) as connection:
            return [json.loads(body) for (body,) in connection.execute("SELECT body FROM events ORDER BY rowid")]


@pytest.fixture(scope="module", params=slow_but(QUICK, SERVERS))
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp(request.param)
    database = directory / "events.db"
    application = APPLICATIONS[request.param]
    options = ["--limit-request-field_size=8190"] if "gunicorn" in request.param else []
    with running(request.param, application, directory, *options, PIXELMW_TEST_DB=str(database)) as port:
        yield Site(request.param, port, database)


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_has_one_meaning_is_stored_with_it(site: Site, name: str) -> None:
    target, expected, headers = ACCEPTED[name]
    before = len(site.stored()) if site.database.exists() else 0
    answer = send(site.port, "GET", target, *headers)
    assert (answer.status, answer.body) == (200, GIF), answer.headers["X-Pixel-Error"]
    stored = site.stored()
    assert len(stored) == before + 1
    event = stored[-1]
    found = event | event["context"]
    assert {name: found.get(name) for name in expected} == expected
    assert (event["event"], event["type"], event["context"]["ip"]) == ("e", "track", "127.0.0.1")


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_none_is_refused_alike(site: Site, name: str) -> None:
    target, status, code = REFUSED[name]
    before = site.stored() if site.database.exists() else []
    answer = send(site.port, "GET", target)
    assert (answer.status, answer.headers["X-Pixel-Error"], answer.body) == (status, code, GIF)
    assert (site.stored() if site.database.exists() else []) == before


@pytest.mark.parametrize("path", ["///pixel/v1/track", "//elsewhere", "/pixel//v1/track", "//pixel/v1/track/"])
def test_no_other_slash_makes_a_path_ours(site: Site, path: str) -> None:
    """Werkzeug's development server and waitress make one slash of several in front; that is theirs to do."""
    answer = send(site.port, "GET", f"{path}?writeKey=k&event=e&userId=u")
    ours = path == "///pixel/v1/track" and answer.body == GIF
    assert answer.status == 200
    assert answer.body.startswith(b"host GET /") or (ours and site.server in ("waitress", "werkzeug"))


@pytest.mark.slow
@pytest.mark.parametrize("server", ["gunicorn-sync", "gunicorn-gthread", "gunicorn-gevent"])
def test_below_a_prefix_a_second_slash_is_behind_it(server: str, tmp_path: Path) -> None:
    """gunicorn takes the prefix from the environment; a base URL with a slash at its end puts the slash behind it."""
    database = tmp_path / "events.db"
    environ = {"PIXELMW_TEST_DB": str(database), "SCRIPT_NAME": "/shop"}
    with running(server, "tests.support.server_app:application", tmp_path, **environ) as port:
        for path in ("/shop/pixel/v1/track", "/shop//pixel/v1/track"):
            assert send(port, "GET", f"{path}?writeKey=k&event=e&userId=u").body == GIF
        assert send(port, "GET", "/shop///pixel/v1/track").body == b"host GET ///pixel/v1/track"
        assert len(Site(server, port, database).stored()) == 2
