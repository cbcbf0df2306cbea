"""The picture of the live view in the pages is what the page looks like.

``PIXELMW_PICTURES=1 python -m pytest -m slow tests/live/test_picture.py`` draws it anew.
"""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.live_site import PAGE, LiveSite, live_site, opened

pytestmark = pytest.mark.slow

PICTURE = Path(__file__).parents[2] / "docs" / "howto" / "live_view.png"
SIZE = {"width": 1200, "height": 680}
# Other fonts set other letters; another layout changes more than that.
MOST_DIFFERENT = 0.15
DIFFERENCE = """async ([one, other]) => {
    const pixels = await Promise.all([one, other].map(async (data) => {
        const image = new Image();
        image.src = "data:image/png;base64," + data;
        await image.decode();
        const canvas = document.createElement("canvas");
        [canvas.width, canvas.height] = [image.width, image.height];
        const context = canvas.getContext("2d");
        context.drawImage(image, 0, 0);
        return context.getImageData(0, 0, image.width, image.height).data;
    }));
    if (pixels[0].length !== pixels[1].length) return 1;
    let different = 0;
    for (let at = 0; at < pixels[0].length; at += 4) different += Math.abs(pixels[0][at] - pixels[1][at]) > 48;
    return different / (pixels[0].length / 4);
}"""


@pytest.fixture
def shop() -> Iterator[LiveSite]:
    """A site with a few events of each kind."""
    with live_site(write_keys={"web": "web shop"}) as site:
        site.send(PAGE, writeKey="web", anonymousId="9f1c2c1e", name="Home")
        site.send(writeKey="web", userId="4711", event="Product Viewed", **{"properties.sku": "A-77"})
        site.send(writeKey="web", userId="4711", event="Added to Basket", **{"properties.sku": "A-77"})
        site.send(writeKey="mobile", userId="4712", event="Product Viewed")
        site.send(writeKey="web", userId="4711", event="", **{"properties.total": "19.90"})
        site.send(PAGE, writeKey="web", userId="4711", name="Thank You")
        yield site


def draw(page: Page) -> bytes:
    expect(page.locator("#rows li")).to_have_count(6)
    page.locator("#rows li.bad a").first.click()
    expect(page.locator("#detail .tree")).to_be_visible()
    page.mouse.move(0, 0)
    return page.screenshot()


def test_the_picture_in_the_pages_is_what_the_page_looks_like(chromium: Browser, shop: LiveSite) -> None:
    with opened(chromium, shop.page_url, viewport=SIZE, color_scheme="light") as page:
        drawn = draw(page)
    if os.environ.get("PIXELMW_PICTURES"):
        PICTURE.write_bytes(drawn)
    pictures = [b64encode(data).decode() for data in (drawn, PICTURE.read_bytes())]
    with opened(chromium, "about:blank") as page:
        assert page.evaluate(DIFFERENCE, pictures) < MOST_DIFFERENT


def test_a_picture_of_something_else_would_be_noticed(chromium: Browser, shop: LiveSite) -> None:
    with opened(chromium, shop.page_url, viewport=SIZE, color_scheme="dark") as page:
        drawn = draw(page)
    pictures = [b64encode(data).decode() for data in (drawn, PICTURE.read_bytes())]
    with opened(chromium, "about:blank") as page:
        assert page.evaluate(DIFFERENCE, pictures) > MOST_DIFFERENT
