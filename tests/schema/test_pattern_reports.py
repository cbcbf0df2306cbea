"""What people have reported about JSON Schema validators: patterns, decimals, equal items and slips, tried here."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import quote

import pytest

from pixelmw.schema import SchemaWarning
from tests.support.pixel import Pixel
from tests.support.times import check_times

JSONSCHEMA = "https://github.com/python-jsonschema/jsonschema/issues"


def with_schema(schema: dict[str, Any]) -> Pixel:
    return Pixel(schemas={"track": {"properties": {"p": schema}}})


@pytest.mark.parametrize(
    ("value", "divisor"),
    [
        pytest.param("4.02", 0.01, id=f"{JSONSCHEMA}/1234"),
        pytest.param("1.11", 0.01, id=f"{JSONSCHEMA}/1099"),
        pytest.param("600.03", 0.01, id=f"{JSONSCHEMA}/679"),
        pytest.param("360.57", 0.0001, id=f"{JSONSCHEMA}/818"),
        pytest.param("5.1", 0.001, id=f"{JSONSCHEMA}/648"),
        pytest.param("92.6", 0.1, id=f"{JSONSCHEMA}/185"),
        pytest.param("136.67", 0.01, id="https://github.com/json-schema-org/JSON-Schema-Test-Suite/issues/68"),
        pytest.param("0.58", 0.01, id="https://github.com/spec-first/connexion/issues/1211"),
    ],
)
def test_a_price_is_a_multiple_of_a_cent(value: str, divisor: float) -> None:
    pixel = with_schema({"type": "number", "multipleOf": divisor})
    assert pixel.track(f"p={value}")["p"] == float(value)
    assert pixel.refused(f"writeKey=k&event=e&p={value}00001").rule == "multipleOf"


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param("a?" * 62 + "a" * 62, id="https://github.com/everit-org/json-schema/issues/147"),
        *(
            pytest.param(pattern, id=f"https://github.com/hapijs/joi/issues/3119 {pattern}")
            for pattern in ("((a+)+)+$", "(a*)*$", "(a|aa)*$", "(a|a?)*$")
        ),
        pytest.param("(a+)+$", id="https://github.com/im-anishraj/arnio/issues/2192"),
    ],
)
def test_a_pattern_that_hung_a_validator_is_refused_at_construction(pattern: str) -> None:
    with pytest.raises(ValueError, match="exponential"):
        with_schema({"pattern": pattern})


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        # https://stackstatus.net/post/147710624694/outage-postmortem-july-20-2016
        (r"^[\s\u200c]+|[\s\u200c]+$", "-- play happy sound" + " " * 20_000 + "--"),
        # https://github.com/OWASP-ASI/FinBot-CTF-workstream/issues/22
        (r"^[^\s@]+@[^\s@]+\.[^\s@]+$", "a@" + "." * 20_000 + " "),
    ],
)
def test_a_pattern_that_brought_sites_down_takes_milliseconds(pattern: str, text: str) -> None:
    pixel = with_schema({"pattern": pattern})
    began = time.thread_time()
    assert pixel.refused(f"writeKey=k&event=e&p={quote(text)}"[:32_000]).rule == "pattern"
    assert pixel.refused(f"writeKey=k&event=e&p={quote(text[:900])}+x").rule == "pattern"
    assert time.thread_time() - began < 0.3


@pytest.mark.parametrize(
    ("pattern", "text", "matched"),
    [
        pytest.param("^[a-z]+$", "badstring\n", False, id=f"{JSONSCHEMA}/576"),
        pytest.param("^[abc]+$", "aaa\n", False, id="https://github.com/horejsek/python-fastjsonschema/pull/34"),
        pytest.param(
            r"\nminimum_version: (?<currentValue>.*?)\n", "\nminimum_version: 5\n", True,
            id="https://github.com/python-jsonschema/check-jsonschema/issues/20",
        ),
        pytest.param(r"^\d+$", "\u09ea\u09e8", False,
                     id="https://github.com/json-schema-org/JSON-Schema-Test-Suite/pull/498"),
        pytest.param(r"^[^]\cA[]*$", "\n\x01", True,
                     id="https://github.com/json-schema-org/JSON-Schema-Test-Suite/pull/998"),
    ],
)  # fmt: skip
def test_a_pattern_of_ecma_262_is_read_as_one(pattern: str, text: str, matched: bool) -> None:
    pixel = with_schema({"pattern": pattern})
    answer = pixel.get("/pixel/v1/track", f"writeKey=k&event=e&p={quote(text)}")
    assert (answer.status_code == 200) is matched


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        pytest.param(r"^file(?>\.[a-z]{4})+$", "atomic", id=f"{JSONSCHEMA}/1129"),
        pytest.param("*hello", "nothing to repeat", id=f"{JSONSCHEMA}/904"),
        pytest.param(
            "a{100}{100}{100}", "nothing to repeat", id="https://github.com/json-schema-org/json-schema-spec/issues/663"
        ),
    ],
)
def test_a_pattern_that_is_none_is_refused_at_construction(pattern: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        with_schema({"pattern": pattern})


def test_many_unique_objects_take_no_longer_than_others() -> None:
    """https://github.com/OpenDataServices/cove/issues/155 and https://github.com/ajv-validator/ajv/issues/608."""
    query = "&".join(f"p.{index}.id={index}" for index in range(240))

    unique, any_array = with_schema({"uniqueItems": True}), with_schema({"type": "array"})
    check_times(lambda one, other: one < 2 * other, lambda: unique.track(query), lambda: any_array.track(query))


def test_a_keyword_with_a_typing_error_is_warned_of() -> None:
    """https://github.com/json-schema-org/json-schema-spec/issues/682."""
    with pytest.warns(SchemaWarning, match="is 'minimum' meant"):
        with_schema({"mininum": 5})
