"""Write keys: which of them let a request in, which source they name, and what a refusal says."""

from __future__ import annotations

from enum import StrEnum

import pytest

from pixelmw.access import WriteKeyChecker, WriteKeys
from pixelmw.system.ids import random_uuid
from tests.support.pixel import Pixel

QUERY = "anonymousId=a&event=e"


def statuses(write_keys: WriteKeys, *queries: str) -> list[int]:
    pixel = Pixel(write_keys=write_keys)
    return [pixel.get("/pixel/v1/track", f"{QUERY}{query}").status_code for query in queries]


@pytest.mark.parametrize(
    ("write_keys", "expected"),
    [
        pytest.param("any", [401, 401, 401, 200, 200], id="any"),
        pytest.param("optional", [200, 200, 200, 200, 200], id="optional"),
        pytest.param(["right", "other"], [401, 401, 401, 200, 401], id="list"),
        pytest.param({"right"}, [401, 401, 401, 200, 401], id="set"),
        pytest.param((key for key in ["right"]), [401, 401, 401, 200, 401], id="generator"),
        pytest.param({"right": "web"}, [401, 401, 401, 200, 401], id="mapping"),
        pytest.param({"right": "web"}.get, [401, 401, 401, 200, 401], id="callable"),
    ],
)
def test_each_kind_of_write_keys_lets_in_whom_it_should(write_keys: WriteKeys, expected: list[int]) -> None:
    spelled = ["", "&writeKey", "&writeKey=+", "&writeKey=right", "&writeKey=wrong"]
    assert statuses(write_keys, *spelled) == expected


@pytest.mark.parametrize("write_keys", ["any", "optional", ["right"], {"right": "web"}, {"right": "web"}.get])
@pytest.mark.parametrize("query", ["writeKey.x=right", "writeKey.0=right", "writeKey.=right"])
def test_a_write_key_is_one_plain_string(write_keys: WriteKeys, query: str) -> None:
    refusal = Pixel(write_keys=write_keys).refused(f"{QUERY}&{query}")
    assert (refusal.code, refusal.path) == ("unauthorized", "writeKey")
    assert refusal.message == "writeKey must be one plain string"
    assert "right" not in refusal.query


def test_brackets_are_part_of_a_name_and_bring_no_write_key() -> None:
    assert statuses(["right"], "&writeKey[$ne]=x", "&writeKey[]=right") == [401, 401]


def test_of_repeated_write_keys_the_first_counts() -> None:
    assert statuses(["right"], "&writeKey=right&writeKey=wrong", "&writeKey=wrong&writeKey=right") == [200, 401]


@pytest.mark.parametrize("key", ["schlüssel", "鍵", "a b", "a+b", "100%", "🔑"])
def test_a_write_key_may_be_any_text(key: str) -> None:
    pixel = Pixel(write_keys=[key])
    spelled = "".join(f"%{byte:02X}" for byte in key.encode())
    assert pixel.get("/pixel/v1/track", f"{QUERY}&writeKey={spelled}").status_code == 200
    assert pixel.get("/pixel/v1/track", f"{QUERY}&writeKey={spelled}x").status_code == 401


@pytest.mark.parametrize("write_keys", [{"right": "web"}, {"right": "web"}.get], ids=["mapping", "callable"])
def test_a_source_name_reaches_the_event(write_keys: WriteKeys) -> None:
    event = Pixel(write_keys=write_keys).collected("/pixel/v1/track", f"{QUERY}&writeKey=right")
    assert event["context"]["source"] == "web"


class Source(StrEnum):
    """Names of sources."""

    SITE = "site"


@pytest.mark.parametrize("write_keys", [{"k": Source.SITE}, lambda key: Source.SITE], ids=["mapping", "callable"])
def test_a_source_name_of_an_enum_is_a_plain_text_for_the_schema(write_keys: WriteKeys) -> None:
    source = {"properties": {"source": {"enum": ["site"]}}}
    schemas = {"page": {"properties": {"context": source}}}
    pixel = Pixel(write_keys=write_keys, schemas=schemas, new_id=random_uuid)
    assert pixel.collected("/pixel/v1/page", "writeKey=k&userId=u")["context"]["source"] == "site"


@pytest.mark.parametrize("write_keys", ["any", ["right"]])
def test_without_source_names_there_is_no_source(write_keys: WriteKeys) -> None:
    event = Pixel(write_keys=write_keys).collected("/pixel/v1/track", f"{QUERY}&writeKey=right&context.source=x")
    assert "source" not in event["context"]


@pytest.mark.parametrize(
    ("query", "message"), [("", "writeKey is missing"), ("&writeKey=wr0ng", "writeKey is unknown")]
)
def test_a_refusal_tells_why_and_never_quotes_the_key(query: str, message: str) -> None:
    refusal = Pixel(write_keys=["right"]).refused(f"{QUERY}{query}")
    assert (refusal.code, refusal.status, refusal.message) == ("unauthorized", 401, message)
    assert refusal.event is None
    assert "wr0ng" not in refusal.query


@pytest.mark.parametrize("outcome", [True, 1, b"web"])
def test_a_callable_that_returns_no_name_lets_nobody_in(outcome: object, caplog: pytest.LogCaptureFixture) -> None:
    pixel = Pixel(write_keys=lambda key: outcome)
    assert pixel.get("/pixel/v1/track", f"{QUERY}&writeKey=right").status_code == 503
    assert "return a source name, or None to refuse" in caplog.text
    assert not pixel.events


def test_a_callable_that_fails_lets_nobody_in(caplog: pytest.LogCaptureFixture) -> None:
    pixel = Pixel(write_keys={}.__getitem__)
    assert pixel.get("/pixel/v1/track", f"{QUERY}&writeKey=right").status_code == 503
    assert not pixel.events


@pytest.mark.parametrize(
    ("write_keys", "error", "told"),
    [
        pytest.param("s3cret", ValueError, "a list that holds it", id="a single string"),
        pytest.param("", ValueError, "a single string", id="a blank string"),
        pytest.param(b"any", TypeError, "bytes", id="bytes"),
        pytest.param(None, TypeError, "NoneType", id="nothing"),
        pytest.param(5, TypeError, "int", id="a number"),
        pytest.param([], ValueError, "empty", id="no keys"),
        pytest.param([""], ValueError, "blank", id="a blank key"),
        pytest.param(["right", 5], TypeError, "not a string", id="a key that is no string"),
        pytest.param({"right": None}, TypeError, "not a string", id="a source that is no string"),
    ],
)
def test_write_keys_that_cannot_work_are_told_at_construction_without_showing_a_key(
    write_keys: object, error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told) as caught:
        Pixel(write_keys=write_keys)
    assert "s3cret" not in str(caught.value)


def test_a_mapping_changed_later_changes_nothing() -> None:
    keys = {"right": "web"}
    checker = WriteKeyChecker(keys)
    keys.clear()
    assert checker.check("right") == "web"
