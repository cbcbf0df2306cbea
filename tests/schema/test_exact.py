"""Numbers, lists and references are judged exactly: decimals, equal items, edges of the drafts."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixelmw import Rejected
from pixelmw.schema import EventSchema
from tests.support.drafts import DRAFTS
from tests.support.pixel import Pixel
from tests.support.times import check_times


def accepts(schema: dict[str, Any], value: Any) -> bool:
    """Whether *schema* accepts *value*, as an enricher may leave it in an event."""
    try:
        EventSchema("s", {"properties": {"p": schema}}).coerce_and_validate({"p": value})
    except Rejected:
        return False
    return True


def test_each_price_is_a_multiple_of_a_hundredth() -> None:
    schema = EventSchema("s", {"properties": {"p": {"type": "number", "multipleOf": 0.01}}})
    for cents in range(10_000):
        event: dict[str, Any] = {"p": f"{cents // 100}.{cents % 100:02}"}
        schema.coerce_and_validate(event)
        assert event["p"] == cents / 100


@pytest.mark.parametrize(
    ("divisor", "value", "expected"),
    [
        (0.01, 4.02, True), (0.01, 4.021, False), (0.1, 0.3, True), (0.1, 1e308, True), (1e-320, 1e308, True),
        (1e308, 1e-320, False), (1e308, 1e308, True), (3, 10**400, False), (7, 7 * 10**4000, True),
        (0.5, 10**400, True),
        (0.3, 10**30, False), (0.1, -0.7, True), (2, 0, True), (2, -0.0, True), (1.5, 4.5, True), (1e-9, 12e-9, True),
        (0.0075, 0.00751, False), (123456789, 123456789 * 10**20, True), (2, True, True), (2, "3", True),
    ],
)  # fmt: skip
def test_a_multiple_is_exact_for_numbers_of_any_size(divisor: float, value: Any, expected: bool) -> None:
    began = time.thread_time()
    assert accepts({"multipleOf": divisor}, value) is expected
    assert time.thread_time() - began < 0.5


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_of_json_is_no_multiple(value: float) -> None:
    assert not accepts({"multipleOf": 2}, value)


@settings(max_examples=300, deadline=None)
@given(st.decimals("-1e9", "1e9", places=3), st.decimals("0.001", "100", places=3))
def test_a_multiple_is_what_decimals_of_any_precision_say(value: Decimal, divisor: Decimal) -> None:
    expected = int(value.scaleb(3)) % int(divisor.scaleb(3)) == 0
    assert accepts({"multipleOf": float(divisor)}, float(value)) is expected


@pytest.mark.parametrize(
    ("items", "unique"),
    [
        ([1, 1.0], False), ([1, True], True), ([0, False, 0.0], False), ([True, True], False), ([None, 0], True),
        (["1", 1], True), ([[1], [True]], True), ([[1], [1.0]], False), ([{"a": 1}, {"a": 1.0}], False),
        ([{"a": 1, "b": 2}, {"b": 2, "a": 1}], False), ([{"a": True}, {"a": 1}], True), ([[], {}], True),
        (["bool", True, ["bool", True], ["list"]], True), ([2**53, 2**53 + 1, float(2**53)], False),
        ([2**53 + 1, float(2**53)], True), ([[True], [["bool", True]]], True), ([-0.0, 0], False), ([], True),
    ],
)  # fmt: skip
@pytest.mark.parametrize("draft", DRAFTS)
def test_items_are_unique_as_json_has_it(items: list[Any], unique: bool, draft: str) -> None:
    schema = EventSchema("s", {"$schema": DRAFTS[draft], "properties": {"p": {"uniqueItems": True}}})
    if unique:
        schema.coerce_and_validate({"p": items})
    else:
        with pytest.raises(Rejected, match="twice"):
            schema.coerce_and_validate({"p": items})


_VALUES = st.recursive(
    st.sampled_from([0, 1, 1.0, True, False, None, "", "1", "bool", "list"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=4,
)


def canonical(value: Any) -> str:
    """JSON in one spelling: keys sorted, and a whole number without a point."""
    if isinstance(value, dict):
        return json.dumps({name: canonical(child) for name, child in value.items()}, sort_keys=True)
    if isinstance(value, list):
        return json.dumps(list(map(canonical, value)))
    return json.dumps(int(value) if type(value) is float and value.is_integer() else value)


@settings(max_examples=500, deadline=None)
@given(st.lists(_VALUES, max_size=5))
def test_random_items_are_unique_if_their_json_is(items: list[Any]) -> None:
    assert accepts({"uniqueItems": True}, items) is (len(set(map(canonical, items))) == len(items))


def test_the_time_for_unique_items_grows_with_their_number() -> None:
    schema = EventSchema("s", {"properties": {"p": {"uniqueItems": True}}})

    def judging(count: int) -> Callable[[], object]:
        event = {"p": [{"sku": str(number), "price": 1} for number in range(count)]}
        return lambda: schema.coerce_and_validate(event)

    check_times(lambda few, many: many < 20 * few, judging(1000), judging(8000))


@pytest.mark.parametrize("draft", DRAFTS)
@pytest.mark.parametrize("pointer", ["#/definitions/yes/x", "#/definitions/yes/properties/x", "#/definitions/5/x"])
def test_a_reference_through_what_holds_nothing_is_refused_at_construction(draft: str, pointer: str) -> None:
    schema = {
        "$schema": DRAFTS[draft],
        "definitions": {"yes": {} if draft == "draft 4" else True, "5": {"enum": [5]}},
        "properties": {"p": {"$ref": pointer}, "q": {"$ref": "#/definitions/5/enum/0/x"}},
    }
    with pytest.raises(ValueError, match=r"schemas\['track'\] has a reference to"):
        Pixel(schemas={"track": schema})


def test_a_reference_to_true_or_false_works() -> None:
    parts = {"a": True, "b": False, "c": {"$ref": "#/properties/a"}, "d": {"$ref": "#/properties/b"}}
    pixel = Pixel(schemas={"track": {"properties": parts}})
    assert pixel.track("c=1")["c"] == "1"
    assert pixel.refused("writeKey=k&event=e&d=1").path == "d"


@pytest.mark.parametrize("draft", [draft for draft in DRAFTS if draft != "draft 2020-12"])
def test_a_draft_ignores_the_keywords_of_later_ones(draft: str) -> None:
    schema = {"$schema": DRAFTS[draft], "properties": {"p": {"prefixItems": [{"type": "integer"}]}}}
    assert Pixel(schemas={"track": schema}).track("p.0=5&p.1=x")["p"] == ["5", "x"]


@pytest.mark.parametrize("text", ["1e-400", "-1e-400", "0.000001e-330", "1e400"])
def test_a_number_that_no_double_holds_stays_text(text: str) -> None:
    pixel = Pixel(schemas={"track": {"properties": {"p": {"type": "number"}}}})
    assert pixel.refused(f"writeKey=k&event=e&p={text}").event["p"] == text  # type: ignore[index]
    assert pixel.track("p=0e-400")["p"] == 0
