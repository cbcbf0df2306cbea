"""A write key is masked in every spelling in which one was seen in a query."""

from __future__ import annotations

import logging
import re
import time
from urllib.parse import quote

import pytest

from pixelmw import Rejected
from pixelmw.access import mask_write_key
from pixelmw.request_log import log_rejected
from tests.support.pixel import Pixel

KEY = "SECRET"


def escaped(text: str, times: int) -> str:
    for _ in range(times):
        text = quote(text, safe="")
    return text


LINK = f"https://h.example/pixel/v1/page?writeKey={KEY}&anonymousId=a"
SPELLINGS = [
    f"writeKey={KEY}", f"writekey={KEY}", f"writeKey:{KEY}", f"writeKey:{KEY}=1", f"writeKey%3A{KEY}",
    f"writeKey+{KEY}",
    f"writeKey;{KEY}", f"writeKey%20%3D%20{KEY}", f"writeKey ={KEY}", f" writeKey={KEY}", f"amp;writeKey={KEY}",
    f"event=x;writeKey={KEY}", f"event=x%3BwriteKey%3D{KEY}", f"event=x;writeKey:{KEY}", f"x=a%0AwriteKey={KEY}",
    f"x=%7B%22writeKey%22%3A%22{KEY}%22%7D", f'x={{"writeKey": "{KEY}"}}', f"?writeKey={KEY}", f"%3FwriteKey%3D{KEY}",
    f"write%4Bey={KEY}", f"write%254Bey={KEY}", f"write%25254Bey={KEY}", f"writeKey%3D{KEY}", f"writeKey%253D{KEY}",
    f"writeKey%25253D{KEY}", f"write%254Bey%253D{KEY}", f"write%4Bey:{KEY}", f"amp%253BwriteKey%253D{KEY}",
    f"wr%25252525252525252569teKey={KEY}", f"write\\Key={KEY}", f"\\w\\riteKey={KEY}", f"write%5CKey={KEY}",
    f"writeKey.x={KEY}", f"writeKey.0={KEY}", f"writeKey[]={KEY}", f"writeKey[$ne]={KEY}", f"writeKey.{KEY}",
    f"context.page.url={escaped(LINK, 1)}", f"context.page.url={escaped(LINK, 2)}", f"u={escaped(LINK, 3)}",
    f"data={KEY}", f"amp;data={KEY}", f"+data+={KEY}", f"d%61ta={KEY}", f"data%3D{KEY}", f"signed={KEY}",
    f"signed%253D{KEY}",
]  # fmt: skip


@pytest.mark.parametrize("pair", SPELLINGS)
@pytest.mark.parametrize("around", ["{}", "a=1&{}&b=2"])
def test_no_spelling_of_a_key_is_shown(pair: str, around: str) -> None:
    masked = mask_write_key(around.format(pair))
    assert KEY not in masked
    assert "***" in masked
    if around != "{}":
        assert masked.startswith("a=1&")
        assert masked.endswith("&b=2")


@pytest.mark.parametrize(
    ("query", "masked"),
    [
        ("event=x;writeKey=K&b=2", "event=x;writeKey=***&b=2"),
        ("writeKey:K", "writeKey=***"),
        ("data=eyJ9&signed=v1.x", "data=***&signed=***"),
        ("data.x=1&database=2&mydata=3&x.data=4", "data.x=1&database=2&mydata=3&x.data=4"),
        ("writeKey&b", "writeKey&b"),
        ("event=new+writeKey", "event=new+writeKey"),
        ("data", "data"),
        ("event=key&monkey=1&%6Bey=%zz", "event=key&monkey=1&%6Bey=%zz"),
        ("u=http%3A%2F%2Fh%2F%3FwriteKey%3DK", "u=http%3A%2F%2Fh%2F%3FwriteKey=***"),
        ("u=http%253A%252F%252Fh%252F%253Fwrite%254BeyK", "u=***"),
    ],
)
def test_the_rest_is_shown_as_it_came(query: str, masked: str) -> None:
    assert mask_write_key(query) == masked


@pytest.mark.parametrize("why", ["{0}&{0}.x=1", "{0}" + "n" * 257 + "=1", "{0}.a.a.a.a.a.a.a.a.a.a=1"])
@pytest.mark.parametrize("pair", [pair for pair in SPELLINGS if not re.search("data|signed|d%61|Key[.]SECRET", pair)])
def test_no_message_and_no_line_of_the_log_shows_it(caplog: pytest.LogCaptureFixture, pair: str, why: str) -> None:
    def on_reject(refusal: Rejected) -> None:
        pixel.refusals.append(refusal)
        log_rejected(refusal)

    pixel = Pixel(write_keys=["another"], on_reject=on_reject)
    with caplog.at_level(logging.DEBUG):
        refusal = pixel.refused(why.format(pair))
    assert KEY not in refusal.message
    assert KEY not in caplog.text
    assert KEY not in refusal.query


@pytest.mark.parametrize("part", ["%25", "%2525", "writekey", "\\", "%252", "%", "key=", "writeKey:", "&data="])
def test_no_query_takes_long_to_mask(part: str) -> None:
    def seconds(size: int) -> float:
        query = part * (size // len(part))
        began = time.process_time()
        mask_write_key(query)
        return time.process_time() - began

    # Ten times the query takes ten times as long, and not a hundred times.
    assert min(seconds(300_000) for _ in range(3)) < 40 * max(min(seconds(30_000) for _ in range(3)), 0.0005)
