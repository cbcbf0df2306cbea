"""Hypothesis strategies for the trees that a link may carry: objects and lists with hostile text at their leaves."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

# No NUL and no half of a surrogate pair: those two cannot be carried, and are refused.
_CHARACTERS = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
_HOSTILE = st.sampled_from(
    [
        *(
            ".",
            "\\",
            "\\.",
            "amp;",
            "AMP;",
            " ",
            "\t",
            "\r\n",
            "\u00a0",
            "\u200b",
            "\ufeff",
            "\x1e",
            "\x1f",
            "0",
            "1",
            "00",
        ),
        *(
            "+",
            "%",
            "%20",
            "%41",
            "%zz",
            "&",
            "&amp;",
            "=",
            "#",
            "?",
            ";",
            "[0]",
            "'",
            '"',
            "<",
            ">",
            "é",
            "e\u0301",
            "😀",
        ),
        *(
            "\ufffd",
            "writeKey",
            "undefined",
            "null",
            "{{x}}",
            "data",
            "signed",
            "\x7f",
            "\u2028",
            "=41",
            "==",
            "=\r\n",
            "",
        ),
    ]
)
TEXTS = st.one_of(_HOSTILE, st.text(_CHARACTERS, max_size=12), st.lists(_HOSTILE, max_size=5).map("".join))
_NAMES = st.one_of(TEXTS, st.sampled_from(["0", "1", "2", "a", ""]))


def _larger(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.dictionaries(_NAMES, children, min_size=1, max_size=4),
        st.lists(children, min_size=1, max_size=4),
        # What a list would look like: an object that has indexes for names.
        st.lists(children, min_size=1, max_size=3).map(lambda items: {str(i): item for i, item in enumerate(items)}),
    )


#: An object whose leaves are texts, none of its containers empty.
TREES = st.dictionaries(_NAMES, st.recursive(TEXTS, _larger, max_leaves=8), min_size=1, max_size=4)
