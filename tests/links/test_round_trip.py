"""The collector makes of a link what the link was made of, whatever text that is."""

from __future__ import annotations

import warnings
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import assume, given, seed, settings

from pixelmw import Collector, Limits
from pixelmw.links import Links, LongLinkWarning, Signer
from pixelmw.params import parse_query
from pixelmw.params.flatten import flatten, to_texts
from tests.support.trees import TREES

WIDE = Limits(query_bytes=1 << 20, params=5000, key_chars=10_000, depth=64)
PLAIN = Links("https://pixels.example", write_key="k")
SIGNER = Signer(["a key that nobody knows"])
# Any schema will do: what the bundled one says of a property like "revenue" is no matter of links.
ANY: dict[str, Any] = {"schemas": {"track": {}}}
COLLECTOR, OF_SIGNED = Collector(lambda event: None, **ANY), Collector(lambda event: None, signer=SIGNER, **ANY)
SIGNED = Links("https://pixels.example", write_key="k", signer=SIGNER)


def parsed(tree: dict[str, Any]) -> dict[str, Any]:
    query = "&".join(f"{quote(name, safe='')}={quote(text, safe='')}" for name, text in flatten(to_texts(tree, WIDE)))
    return parse_query(query, WIDE)


def url_of(links: Links, event: dict[str, Any]) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LongLinkWarning)
        try:
            return links.url("track", event)
        except ValueError as error:
            # Only what a limit forbids, or what the collector takes for its own, has no link.
            assume("at most" not in str(error) and "for its own" not in str(error))
            raise


def collected(collector: Collector, url: str) -> dict[str, Any]:
    return collector.collect("track", {"QUERY_STRING": urlsplit(url).query, "REQUEST_METHOD": "GET"})


def check_tree(tree: dict[str, Any]) -> None:
    assert parsed(tree) == tree


def check_event(tree: dict[str, Any]) -> None:
    """The properties of an event come back through the whole collector, from a plain link and from a signed one."""
    event = {"event": "Opened", "userId": "42", "properties": tree}
    assert collected(COLLECTOR, url_of(PLAIN, event))["properties"] == tree
    assert collected(OF_SIGNED, url_of(SIGNED, event))["properties"] == tree


quickly = settings(derandomize=True, deadline=None, max_examples=100)
test_any_tree_comes_back = quickly(given(TREES)(check_tree))
test_any_properties_come_back_from_plain_and_signed_links = quickly(given(TREES)(check_event))


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_each_of_8000_trees_comes_back(part: int) -> None:
    @seed(part)
    @settings(database=None, deadline=None, max_examples=2000)
    @given(TREES)
    def check(tree: dict[str, Any]) -> None:
        check_tree(tree)
        check_event(tree)

    check()


@pytest.mark.parametrize(
    "tree",
    [
        {"": "x"},
        {"": {"": {"": ""}}},
        {" ": " "},
        {" a ": "1", "a": "2"},
        {"\t amp; a": "1"},
        {"amp;": {"amp;": "amp;"}},
        {"amp;amp;a": "x", "a": "y"},
        {"a": {" ": "x", "\u200b": "y"}},
        {"a.b": "1", "a": {"b": "2"}},
        {"a\\": {"\\.b": "1"}},
        {"0": "not a list", "1": "at the root"},
        {"a": {"0": "an object", "1": "with indexes"}},
        {"a": {"0": {"0": {"0": "x"}}}},
        {"a": [["x"], [{"0": "y"}, "z"]]},
        {"a": {"00": "x", "01": "y"}},
        {"a": {"1": "no 0"}},
        {"a": "\r\n=\r\n==41\x1e\x1f"},
        {"\ufffd": "\ufffd"},
    ],
)
def test_what_the_parser_would_repair_or_read_as_a_list_comes_back(tree: dict[str, Any]) -> None:
    check_tree(tree)
    check_event(tree)
