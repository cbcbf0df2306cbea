"""What hostile requests leave behind: log lines, headers, error texts and database rows, and no secret in any."""

from __future__ import annotations

import json
import logging
import sqlite3
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from pixelmw import Event, Rejected
from pixelmw.request_log import log_rejected
from pixelmw.sinks import SQLite
from tests.support import shells
from tests.support.pixel import Pixel

shell = shells.shell

TRACK = "/pixel/v1/track"
BASE = "writeKey=k&anonymousId=a&event=e"
SECRET = "SECRET"
STRICT = {"properties": dict.fromkeys(("type", "channel", "messageId", "context"), True), "additionalProperties": False}
TYPED = {"properties": {"n": {"type": "integer"}}}


def assert_good_request_works(pixel: Pixel) -> None:
    assert pixel.get(TRACK, BASE).status_code == 200


# Sent in a name; each could forge a line of the log, or hide what it says.
ODD_NAMES = {
    "line breaks": "n%0D%0Aroot logged in",
    "ESC": "n%1B[2J%1B]0;title%07",
    "C1": "n%C2%9B31m%C2%85",
    "bidi": "n%E2%80%AE%E2%81%A6%E2%80%8F",
    "line separators": "n%E2%80%A8%E2%80%A9",
    "invisible": "n%E2%80%8B%EF%BB%BF%C2%AD",
    "tag": "n%F3%A0%81%81",
    "format": "n%25s%25(x)s{0}",
}
# Each has a secret where the mask of the write key must look twice.
KEY_FORMS = [
    f"writeKey={SECRET}",
    f"amp;writeKey={SECRET}",
    f"write%4Bey={SECRET}",
    f"write\\Key={SECRET}",
    f"writeKey.x={SECRET}",
    f"writeKey[$ne]={SECRET}",
    f"writeKey%3D{SECRET}",
    f"amp;writeKey%3d{SECRET}=1",
    f"writeKey%00={SECRET}",
]
REFUSED = {
    "conflict": "{name}=SECRET&{name}.x=SECRET",
    "too deep": "{name}.a.a.a.a.a.a.a.a.a.a=SECRET",
    "too long": "{name}" + "n" * 250 + "=SECRET",
    "not among the properties": "{name}=SECRET",
}


def refused_line(caplog: pytest.LogCaptureFixture, query: str, **options: Any) -> tuple[Pixel, str]:
    """The one line that the log has about a refused request."""

    def on_reject(refusal: Rejected) -> None:
        pixel.refusals.append(refusal)
        log_rejected(refusal)

    pixel = Pixel(write_keys="optional", on_reject=on_reject, **options)
    with caplog.at_level(logging.DEBUG, "pixelmw"):
        pixel.refused(query)
    (record,) = caplog.records
    return pixel, logging.Formatter("%(levelname)s %(message)s").format(record)


@pytest.mark.parametrize("why", REFUSED)
@pytest.mark.parametrize("kind", ODD_NAMES)
def test_a_refusal_is_one_printable_line_without_a_value(caplog: pytest.LogCaptureFixture, kind: str, why: str) -> None:
    query = REFUSED[why].format(name=ODD_NAMES[kind])
    _, line = refused_line(caplog, query, schemas={"track": STRICT})
    assert line.isprintable()
    assert SECRET not in line
    assert len(line) < 200


@pytest.mark.parametrize("why", [*REFUSED, "another parameter"])
@pytest.mark.parametrize("pair", KEY_FORMS)
def test_a_write_key_is_on_no_record_however_it_is_spelled(
    caplog: pytest.LogCaptureFixture, pair: str, why: str
) -> None:
    name, equals, value = pair.partition("=")
    query = REFUSED.get(why, "event=&x=1").format(name=name).replace("=SECRET", f"{equals}{value}")
    pixel, line = refused_line(caplog, f"{query}&{pair}&other=1", schemas={"track": STRICT})
    assert SECRET not in line
    assert SECRET not in pixel.refusals[0].query
    assert SECRET not in pixel.refusals[0].message
    assert pixel.refusals[0].query.endswith("&other=1")


def test_the_log_of_a_failing_sink_holds_no_value(shell: type[Pixel], caplog: pytest.LogCaptureFixture) -> None:
    def fail(event: Event) -> None:
        raise OSError("disk full")

    assert shell(sink=fail).get(TRACK, f"{BASE}&writeKey=k&x={SECRET}%0A").status_code == 503
    assert "disk full" in caplog.text
    assert SECRET not in caplog.text


ATTACKS = [
    f"{BASE}&x={SECRET}%0D%0ASet-Cookie:{SECRET}=1",
    f"{BASE}&n={SECRET}%0D%0A",
    f"{BASE}&{SECRET}%0D%0A=1&{SECRET}%0D%0A.x=2",
    f"writeKey={SECRET}%0D%0A{SECRET}:1",
    f"{'n' * 300}%0D%0A{SECRET}",
    f"writeKey.{SECRET}=1",
]


@pytest.mark.parametrize("reply", ["gif", "ok", "auto", "always-gif"])
@pytest.mark.parametrize("query", ATTACKS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE"])
def test_no_value_of_the_users_is_in_a_header(shell: type[Pixel], method: str, query: str, reply: str) -> None:
    pixel = shell(reply=reply, schemas={"track": TYPED})
    names = ("USER_AGENT", "REFERER", "ORIGIN", "COOKIE", "ACCEPT", "ACCEPT_LANGUAGE", "X_FORWARDED_FOR")
    environ = {f"HTTP_{name}": f"text/plain, {SECRET}" for name in names}
    response = pixel.request(method, TRACK, query, environ=environ)
    assert SECRET not in str(response.headers)
    assert "\r" not in "".join(value for _, value in response.headers)
    assert "Set-Cookie" not in response.headers
    assert_good_request_works(pixel)


def test_markup_is_quoted_as_text_that_no_browser_runs(shell: type[Pixel]) -> None:
    pixel = shell(reply="ok", schemas={"track": TYPED})
    response = pixel.get(TRACK, f"{BASE}&n=<script>alert(1)</script>{'~' * 1000}")
    assert response.status_code == 400
    assert response.mimetype == "text/plain"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "<script>alert(1)</script>" in response.text
    assert response.text.count("~") == 64 - len("<script>alert(1)</script>")


@pytest.mark.parametrize(
    ("schema", "params"),
    [
        pytest.param({"properties": {"n": {"type": "string"}}}, ["n.a=1", "n.b=2", "n.c=3"], id="an object is quoted"),
        pytest.param({"propertyNames": {"pattern": "^[a-zI]+$"}}, ["X=1", "Y=2", "Z=3"], id="names"),
        pytest.param({"unevaluatedProperties": False}, ["x=1", "y=2", "z=3"], id="unevaluated"),
        pytest.param(STRICT, ["x=1", "y=2", "z=3"], id="additional"),
        pytest.param({"required": ["x"], "allOf": [{"required": ["y"]}]}, ["a=1", "b=2"], id="two are missing"),
        pytest.param({"properties": {"n": {"uniqueItems": True}}}, ["n.0=1", "n.1=1", "n.2=1"], id="a list"),
    ],
)
def test_what_the_schema_refuses_is_told_alike_in_every_order(schema: Any, params: list[str]) -> None:
    """The error string is an answer, too, and no answer depends on the order of parameters."""
    pixel = Pixel(reply="ok", schemas={"track": schema})
    texts = {pixel.get(TRACK, f"writeKey=k&{'&'.join(order)}&messageId=m").text for order in permutations(params)}
    assert len(texts) == 1
    assert "OK" not in texts


@pytest.mark.parametrize("evil", ["'); DROP TABLE events;--", "' OR '1'='1", '$."a"[0]', "body = NULL", "\\';--", "?1"])
def test_sql_in_names_and_values_is_stored_as_it_is(tmp_path: Path, evil: str) -> None:
    with SQLite(tmp_path / "pixel.db") as store:
        pixel = Pixel(sink=store)
        quoted = "".join(f"%{byte:02X}" for byte in evil.encode())
        pairs = f"{quoted.replace('%2E', '%5C%2E').replace('%5C%27', '%5C%5C%27')}={quoted}&messageId={quoted}"
        assert pixel.get(TRACK, f"{BASE}&userId={quoted}&{pairs}").status_code == 200
        assert_good_request_works(pixel)
    with sqlite3.connect(tmp_path / "pixel.db") as connection:
        rows = connection.execute("SELECT message_id, user_id, body FROM events ORDER BY rowid").fetchall()
    connection.close()
    assert len(rows) == 2
    assert rows[0][:2] == (evil, evil)
    assert json.loads(rows[0][2])[evil] == evil
