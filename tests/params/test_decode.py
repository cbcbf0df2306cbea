"""Decoding a query in one go gives what decoding it piece by piece gives."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pixelmw.params.decode import decode_pairs, unquote_text

SPECIAL = b"& = % + a _ %20 %3D %26 %1E %1f %zz %4 %% %C3%A9 %0A %00 %E0%A4 =3D == \xc3\xa9 \xff \x1e".split(b" ")
PIECES = st.sampled_from([*SPECIAL, b" ", b"\x1f", b"\r", b"\n", b"%\n", b"%\r\n", b"\0"])
QUERIES = st.lists(PIECES | st.binary(max_size=3), max_size=30).map(b"".join)


def decoded(raw: bytes) -> list[tuple[str, str]]:
    """The pairs with a name."""
    return [(name, value) for name, value in zip(*decode_pairs(raw), strict=True) if name]


def piece_by_piece(raw: bytes) -> list[tuple[str, str]]:
    pairs = (pair.partition(b"=") for pair in raw.split(b"&"))
    return [(unquote_text(name), unquote_text(value)) for name, _, value in pairs if name]


@settings(max_examples=500, deadline=None)
@given(QUERIES)
@example(b"a=%\nb")
@example(b"a=%\r41\n&b")
@example(b"a=%1Eb&c=%1Fd")
@example(b"a\x1eb=c\x1fd")
@example(b"%%41=1&a==b")
@example(b"a=%E0%A4&%A9=b")
def test_the_short_way_and_the_long_way_agree(raw: bytes) -> None:
    assert decoded(raw) == piece_by_piece(raw)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.text(min_size=1), st.text(), max_size=8))
def test_what_a_browser_encodes_comes_back(parameters: dict[str, str]) -> None:
    from urllib.parse import urlencode

    spelled = [(name.replace("\0", "\ufffd"), value.replace("\0", "\ufffd")) for name, value in parameters.items()]
    query = urlencode(parameters, encoding="utf-8", errors="replace")
    assert decoded(query.encode()) == parse_qsl(urlencode(spelled, errors="replace"), keep_blank_values=True)


@pytest.mark.parametrize("raw", [b"", b"&", b"=", b"&=x&", b"=&="])
def test_there_may_be_no_pairs_at_all(raw: bytes) -> None:
    assert decoded(raw) == []
