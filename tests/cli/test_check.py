"""``check`` says which event a URL becomes, or each fault with its parameter, and its exit code tells."""

from __future__ import annotations

import io
import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pixelmw.links import Links, Signer
from tests.support.command_line import run, run_here
from tests.support.processes import wait_until

TRACK = "/pixel/v1/track?writeKey=s3cret-key&userId=42&event=Opened"
KEY = "a key of the tests, which is long"


def checked(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """What it says about one URL, as JSON."""
    said = run_here(capsys, "check", "--json", *arguments)
    found: dict[str, Any] = json.loads(said.out)
    assert said.code == (1 if found["faults"] else 0)
    return found


def faults(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[tuple[str | None, str | None, str]]:
    return [(each["parameter"], each["rule"], each["code"]) for each in checked(capsys, *arguments)["faults"]]


@pytest.mark.parametrize("front", ["", "https://pixels.example", "http://localhost:8000", "/"])
def test_a_good_url_becomes_its_event(capsys: pytest.CaptureFixture[str], front: str) -> None:
    said = run_here(capsys, "check", f"{front}{TRACK}&properties.revenue=9.90")
    head, _, event = said.out.partition("\n")
    assert (said.code, said.err, head) == (0, "", "accepted, as this track event:")
    found = json.loads(event)
    assert (found["userId"], found["event"], found["properties"]) == ("42", "Opened", {"revenue": 9.9})
    assert "s3cret" not in said.out


def test_every_fault_is_told_with_its_parameter(capsys: pytest.CaptureFixture[str]) -> None:
    url = "/pixel/v1/track?event=&context.screen.width=wide&context.location.latitude=north"
    assert faults(capsys, url) == [
        ("writeKey", None, "unauthorized"),
        ("anonymousId", "anyOf", "invalid"),
        ("event", "pattern", "invalid"),
        ("context.location.latitude", "type", "invalid"),
        ("context.screen.width", "type", "invalid"),
    ]
    said = run_here(capsys, "check", url)
    assert 'fault: context.screen.width must be of type "number"; it is "wide" (invalid, type)' in said.out


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("a=1&a.b=2&c=1&c.d=2", [("a", "conflict", "bad-query"), ("c", "conflict", "bad-query")]),
        (f"{'n' * 300}=1&a=1&a.b=2", [("n" * 300, "key_chars", "too-large"), ("a", "conflict", "bad-query")]),
        ("context=x&properties=y", [("context", "type", "invalid"), ("properties", "type", "invalid")]),
        ("x=" + "y" * 40_000, [(None, "query_bytes", "too-large")]),
        ("&".join(f"p{number}=1" for number in range(300)), [(None, "params", "too-large")]),
    ],
    ids=["conflicts", "a long name and a conflict", "no objects", "long", "many"],
)
def test_faults_of_the_query_are_told_together(
    capsys: pytest.CaptureFixture[str], query: str, expected: list[tuple[str, str, str]]
) -> None:
    assert faults(capsys, f"{TRACK}&{query}") == expected


@pytest.mark.parametrize("path", ["/pixel/v1/trak", "/pixel/v1/track/", "/Pixel/V1/Track", "/pixel//v1/track"])
def test_a_path_that_no_pixel_has_is_a_fault_with_the_nearest(capsys: pytest.CaptureFixture[str], path: str) -> None:
    said = run_here(capsys, "check", f"{path}?writeKey=k")
    assert (said.code, said.out) == (
        1,
        f"fault: no pixel has the path {path}: is /pixel/v1/track meant? (no-pixel)\n",
    )


def test_a_path_below_another_one_counts_where_the_application_is_mounted(capsys: pytest.CaptureFixture[str]) -> None:
    found = checked(capsys, f"https://shop.example/shop{TRACK}")
    assert [hint["kind"] for hint in found["hints"]] == ["mounted"]
    assert "/shop" in found["hints"][0]["message"]


def test_many_urls_come_from_standard_input(tmp_path: Path) -> None:
    given = f"{TRACK}\n\n  /pixel/v1/track?writeKey=other-secret&event=x \n/nowhere\n".encode()
    said = run(tmp_path, "check", "--json", "-", given=given)
    found = [json.loads(line) for line in said.out.splitlines()]
    assert said.code == 1
    assert [each["accepted"] for each in found] == [True, False, False]
    assert [each["type"] for each in found] == ["track", "track", None]
    assert "other-secret" not in said.out
    assert run(tmp_path, "check", "-", given=f"{TRACK}\n{TRACK}".encode()).code == 0


def test_bytes_that_are_no_utf8_are_read_as_a_server_reads_them(tmp_path: Path) -> None:
    said = run(tmp_path, "check", "--json", "-", given=TRACK.encode() + b"&name=caf\xe9&category=caf\xc3\xa9\n")
    found = json.loads(said.out)
    assert (found["event"]["name"], found["event"]["category"]) == ("caf\ufffd", "café")
    assert [(hint["parameter"], hint["kind"]) for hint in found["hints"]] == [("name", "not-utf-8")]


def test_a_schema_takes_the_place_of_the_bundled_one(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    schema = {
        "properties": {"properties": {"required": ["total", "plan"], "properties": {"total": {"type": "number"}}}}
    }
    (tmp_path / "order.json").write_text(json.dumps(schema))
    option = f"--schema={tmp_path / 'order.json'}"
    assert faults(capsys, option, f"{TRACK}&properties.x=1") == [
        ("properties.total", "required", "invalid"),
        ("properties.plan", "required", "invalid"),
    ]
    found = checked(capsys, option, f"{TRACK}&properties.totl=9&properties.total=9.5&properties.plan=a")
    assert found["event"]["properties"]["total"] == 9.5
    assert [hint["message"] for hint in found["hints"]] == [
        "properties.totl is no known field: is properties.total meant?"
    ]


@pytest.mark.parametrize(
    ("content", "words"), [("{", "is not JSON"), ("[]", "a schema is a dict"), ('{"type": 1}', "not a JSON Schema")]
)
def test_a_schema_that_is_none_is_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: str, words: str
) -> None:
    (tmp_path / "wrong.json").write_text(content)
    said = run_here(capsys, "check", f"--schema={tmp_path / 'wrong.json'}", TRACK)
    assert (said.code, said.out) == (1, "")
    assert words in said.err


@pytest.fixture
def keys_file(tmp_path: Path) -> str:
    (tmp_path / "keys").write_text(f"# of last year\n{KEY}\n")
    return f"--keys-file={tmp_path / 'keys'}"


def signed(**options: Any) -> str:
    links = Links("https://pixels.example", write_key="k", signer=Signer([KEY]))
    return links.track("Opened", properties={"plan": "{{plan}}"}, **options)


def test_a_signed_link_is_looked_into_with_its_key(capsys: pytest.CaptureFixture[str], keys_file: str) -> None:
    without_key = checked(capsys, signed(user_id="1"))
    assert "signed" in [hint["kind"] for hint in without_key["hints"]]
    found = checked(capsys, keys_file, signed(user_id="1"))
    assert (found["event"]["userId"], found["faults"]) == ("1", [])
    assert [(hint["parameter"], hint["kind"]) for hint in found["hints"]] == [("properties.plan", "placeholder")]
    assert faults(capsys, keys_file, signed()) == [("anonymousId", "anyOf", "invalid")]


def test_a_signed_link_that_was_altered_or_is_past_its_time_is_refused(
    capsys: pytest.CaptureFixture[str], keys_file: str
) -> None:
    assert faults(capsys, keys_file, signed()[:-2]) == [("signed", None, "forged")]
    assert faults(capsys, keys_file, signed().replace("/track", "/page")) == [("signed", None, "forged")]
    url = signed(expires_in=timedelta(milliseconds=1))
    wait_until(lambda: faults(capsys, keys_file, url)[0][0] == "signed")
    assert faults(capsys, keys_file, url) == [("signed", None, "expired"), ("anonymousId", "anyOf", "invalid")]


def test_segments_form_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    # {"writeKey": "k", "userId": "u", "event": "e", "context": {"page": {"ulr": "x"}}}
    data = (
        "eyJ3cml0ZUtleSI6ICJrIiwgInVzZXJJZCI6ICJ1IiwgImV2ZW50IjogImUiLCAiY29udGV4dCI6IHsicGFnZSI6IHsidWxyIjogIngifX19"
    )
    found = checked(capsys, f"https://api.example/v1/pixel/track?data={data}")
    assert found["event"]["context"]["page"] == {"ulr": "x"}
    assert [hint["kind"] for hint in found["hints"]] == ["misspelt"]
    assert data not in found["url"]
    assert [
        hint["kind"] for hint in checked(capsys, "/v1/pixel/track?writeKey=k&userId=u&event=e&data=e30")["hints"]
    ] == ["data"]


APP = """
from pixelmw import Discard, PixelMiddleware

def host(environ, start_response):
    return []

def judge(event, request):
    if event["event"] == "Broken":
        raise KeyError("of the enricher")
    if event["event"] == "Unwanted":
        raise Discard

app = PixelMiddleware(host, print, enrich=[judge], write_keys={"k"})
"""


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "judging_app.py").write_text(APP)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "judging_app", raising=False)
    return "--app=judging_app:app"


def test_what_enrichers_make_of_an_event_is_told(capsys: pytest.CaptureFixture[str], app: str) -> None:
    urls = [f"/pixel/v1/track?writeKey=k&userId=1&event={name}" for name in ("Fine", "Unwanted", "Broken")]
    said = run_here(capsys, "check", app, *urls)
    assert said.code == 1
    assert "accepted, and discarded by an enricher" in said.out
    assert "raised KeyError, which is answered 503 (unavailable)" in said.out
    unknown = urls[1].replace("writeKey=k", "writeKey=other")
    assert faults(capsys, app, unknown) == [("writeKey", None, "unauthorized")]


def test_a_schema_that_is_not_utf8_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "wrong.json").write_bytes(b'{"title": "caf\xe9"}')
    said = run_here(capsys, "check", f"--schema={tmp_path / 'wrong.json'}", TRACK)
    assert said.code == 1
    assert "is not UTF-8" in said.err


def test_urls_are_read_from_a_stream(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"{TRACK}\n\n{TRACK}&a=1&a.b=2\n".encode())))
    said = run_here(capsys, "check", "--json", "-")
    assert [bool(json.loads(line)["faults"]) for line in said.out.splitlines()] == [False, True]
    assert said.code == 1
