"""What a request costs does not depend on how a schema and a value meet: alternatives add up, and never multiply."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest

from pixelmw import PixelMiddleware, Rejected
from pixelmw.schema import EventSchema
from tests.support.drafts import DRAFTS
from tests.support.pixel import host_app
from tests.support.times import check_times

Schema = dict[str, Any]
NUMBER: Schema = {"type": "number"}
INTEGER: Schema = {"type": "integer"}


def judging(schema: EventSchema, event: dict[str, Any], accepted: bool) -> Callable[[], object]:
    """What coerces and judges *event* again and again; that a copy is made costs little."""

    def judge() -> None:
        with nullcontext() if accepted else pytest.raises(Rejected):
            schema.coerce_and_validate(copy.deepcopy(event))

    return judge


def to(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}


def chain(keyword: str) -> Schema:
    """Thirty schemas, each of which leads to the next one twice."""
    links: Schema = {f"d{n}": {keyword: [to(f"d{n + 1}"), to(f"d{n + 1}")]} for n in range(30)}
    return {"definitions": {**links, "d30": INTEGER}, "properties": {"p": to("d0")}}


def tree(keyword: str) -> Schema:
    """Four kinds of node, each of which leads to any node below it."""
    kinds = {
        name: {"properties": {name: INTEGER, "next": to("node")}, "required": [name, "n"]} for name in ("a", "b", "c")
    }
    leaf = {"properties": {"n": NUMBER, "next": to("node")}, "required": ["n"]}
    node = {keyword: [*map(to, kinds), to("leaf")]}
    return {"definitions": {**kinds, "leaf": leaf, "node": node}, "properties": {"p": to("node")}}


def nested(leaf: dict[str, str], inner: dict[str, str], depth: int = 9) -> dict[str, Any]:
    value: dict[str, Any] = leaf
    for _ in range(depth):
        value = {**inner, "next": value}
    return {"p": value}


def line(index: int) -> Schema:
    return {"properties": {"kind": {"const": f"k{index}"}, "total": NUMBER}, "required": ["kind", "total"]}


def lines(count: int, **line_: str) -> dict[str, Any]:
    return {"lines": [dict(line_) for _ in range(count)]}


EIGHT = dict.fromkeys("abcdefgh", NUMBER)
BRANCHES = {"properties": {"lines": {"items": {"oneOf": [line(n) for n in range(200)]}}}}
CASES: dict[str, tuple[Schema, dict[str, Any], bool]] = {
    "a chain of anyOf": (chain("anyOf"), {"p": "5"}, True),
    "a chain of anyOf, refused": (chain("anyOf"), {"p": "x"}, False),
    "a chain of oneOf, refused": (chain("oneOf"), {"p": "x"}, False),
    "a chain of allOf, refused": (chain("allOf"), {"p": "x"}, False),
    "a tree of anyOf": (tree("anyOf"), nested({"n": "5"}, {"n": "5"}), True),
    "a tree of anyOf, refused": (tree("anyOf"), nested({"n": "x"}, {"n": "5"}), False),
    "a tree of oneOf": (tree("oneOf"), nested({"n": "5"}, {"n": "5"}), True),
    "a tree of oneOf, refused": (tree("oneOf"), nested({"m": "5"}, {"n": "5", "a": "6"}), False),
    "lines that lack eight properties": (
        {"properties": {"lines": {"items": {"properties": EIGHT, "required": list(EIGHT)}}}}, lines(250, q="1"), False
    ),
    "120 lines of 200 kinds": (BRANCHES, lines(120, kind="k199", total="5"), True),
    "120 lines of 200 kinds, the wrong type": (BRANCHES, lines(120, kind="k199", total="x"), False),
    "250 lines of no kind": (BRANCHES, lines(250, q="1"), False),
    "250 lines of an unknown kind": (BRANCHES, lines(250, kind="x"), False),
    "nested schemas that count what is left": (
        {"definitions": {"n": {"anyOf": [{"properties": {"next": to("n")}}, {"properties": {"n": NUMBER}}, to("m")],
                               "unevaluatedProperties": False}, "m": {"properties": {"m": to("n")}}},
         "properties": {"p": to("n")}}, nested({"x": "5"}, {"n": "5"}), False,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_no_request_takes_more_than_fifty_milliseconds(case: str) -> None:
    schema, event, accepted = CASES[case]
    check_times(lambda took: took < 0.05, judging(EventSchema("s", schema), event, accepted))


@pytest.mark.parametrize("keyword", ["anyOf", "oneOf"])
def test_four_branches_cost_in_proportion_to_the_depth(keyword: str) -> None:
    schema = EventSchema("s", tree(keyword))
    shallow, deep = (
        judging(schema, nested({"m": "5"}, {"n": "5", "a": "5"}, depth), accepted=False) for depth in (4, 32)
    )
    check_times(lambda one, other: other < 40 * one, shallow, deep)


@pytest.mark.parametrize("draft", DRAFTS)
def test_every_draft_is_compiled(draft: str) -> None:
    """240 parameters in draft 7 took ten times as long as in draft 2020-12."""
    properties = {f"n{index}": {"type": "integer", "minimum": 0} for index in range(240)}
    event = {"p": {f"n{index}": str(index) for index in range(240)}}
    usual, other = (
        judging(
            EventSchema("s", {"$schema": DRAFTS[name], "properties": {"p": {"properties": properties}}}), event, True
        )
        for name in ("draft 2020-12", draft)
    )
    check_times(lambda one, another: another < 6 * one, usual, other)


PREFIX = "writeKey=k&anonymousId=a&event=e"
ORDINARY = "&".join([PREFIX, *(f"properties.group{n // 3}.name{n}=a+value" for n in range(250))])
HOSTILE = {
    "250 properties in place of a number": "&".join([PREFIX, *(f"context.screen.width.n{n}=x" for n in range(250))]),
    "250 wrong types": "&".join(
        [PREFIX, *(f"context.screen.{name}.{n}=x" for n in range(83) for name in ("width", "height", "density"))]
    ),
    "250 objects in place of properties": "&".join([PREFIX, *(f"properties.{n}.x=1" for n in range(250))]),
    "250 properties that nobody knows": "&".join([PREFIX, *(f"n{n}=1" for n in range(250))]),
    "250 places of the context": "&".join([PREFIX, *(f"context.c{n}.x=1" for n in range(250))]),
    "250 numbers that are none": "&".join([PREFIX, *(f"properties.revenue.{n}=1" for n in range(250))]),
    "a number of 30,000 digits": f"{PREFIX}&context.screen.width={'9' * 30_000}",
    "30,000 blanks": f"{PREFIX}&context.screen.width={'+' * 30_000}",
    "30,000 letters": f"{PREFIX}&context.screen.width={'x' * 30_000}",
    "nothing": "writeKey=k",
}


def asking(query: str) -> Callable[[], object]:
    middleware = PixelMiddleware(host_app, len, on_reject=lambda refusal: None)
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/pixel/v1/track", "QUERY_STRING": query}
    return lambda: middleware(dict(environ), lambda status, headers, exc_info=None: print)


@pytest.mark.parametrize("name", HOSTILE)
def test_no_request_costs_more_than_twelve_ordinary_ones_by_a_bundled_schema(name: str) -> None:
    check_times(lambda ordinary, hostile: hostile < 12 * ordinary, asking(ORDINARY), asking(HOSTILE[name]))
