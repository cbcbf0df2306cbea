"""The layout of a query's names: computed once for names that come again, and no event shares parts with another."""

from __future__ import annotations

import pytest

from pixelmw.params.layout import Layout, NoLayoutError, layout_of


def test_the_layout_of_names_that_come_again_is_cached() -> None:
    names = ("a.b", "a.c", "d.0", "d.1", "", "e", "e")
    assert layout_of(names, 256, 10) is layout_of(tuple(names), 256, 10)


def test_the_layout_of_a_long_set_of_names_is_not_cached() -> None:
    names = tuple(f"n{number}" for number in range(49))
    assert layout_of(names, 256, 10) is not layout_of(names, 256, 10)
    assert layout_of(names, 256, 10) == layout_of(names, 256, 10)


def test_the_cache_tells_limits_apart() -> None:
    assert layout_of(("a.b.c",), 256, 3)
    for key_chars, depth in [(256, 2), (4, 3)]:
        with pytest.raises(NoLayoutError):
            layout_of(("a.b.c",), key_chars, depth)


def test_a_layout_has_parents_keys_lengths_and_positions() -> None:
    layout = layout_of(("a.0.b", "", "a.1", "c", "c"), 256, 10)
    assert layout == Layout(containers=((0, "a", 2), (1, 0, None)), leaves=((3, 0, "c"), (2, 1, 1), (0, 2, "b")))
    assert layout.fill(["x", "nothing", "y", "z", "again"]) == {"a": [{"b": "x"}, "y"], "c": "z"}


def test_no_two_events_of_one_layout_share_anything() -> None:
    layout = layout_of(("a.b", "l.0"), 256, 10)
    first, second = layout.fill(["1", "2"]), layout.fill(["1", "2"])
    first["a"]["b"] = first["l"][0] = "changed"
    assert second == {"a": {"b": "1"}, "l": ["2"]}
