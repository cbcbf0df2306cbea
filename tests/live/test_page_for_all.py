"""The page by keyboard, on a small screen, in the dark, and with the eyes of axe-core."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from pixelmw.live import LiveView
from tests.support.live_site import PAGE, LiveSite, live_site, opened

pytestmark = pytest.mark.slow

SIZES: dict[str, Any] = {"1280": {"width": 1280, "height": 800}, "390": {"width": 390, "height": 844}}


def fill(site: LiveSite) -> None:
    """Send events of each kind, some of them with long words."""
    site.send(PAGE, anonymousId="visitor-" + "1" * 60, name="Home")
    site.send(userId="42", event="Paid", **{"properties.price": "19.90", "properties.items.0": "x" * 300})
    site.send(userId="42", event="<b>\x1b[31m\u202e" + "y" * 200)
    site.send(userId="42", **{"properties.price": "z" * 200})
    site.send(a="1", **{"a.b": "2"})


def violations(page: Page) -> str:
    found = Axe().run(page)
    return found.generate_report() if found.violations_count else ""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(
    chromium: Browser, site: LiveSite, size: str, scheme: Any
) -> None:
    with opened(chromium, site.page_url, viewport=SIZES[size], color_scheme=scheme) as page:

        def is_fine() -> None:
            assert violations(page) == ""
            assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size]["width"]

        expect(page.locator("#empty")).to_be_visible()
        is_fine()
        fill(site)
        expect(page.locator("#rows li")).to_have_count(5)
        is_fine()
        for kind in ("good", "bad"):
            page.locator(f"#rows li.{kind} a").first.click()
            expect(page.locator("#detail .tree, #detail .query").first).to_be_visible()
            is_fine()
            page.get_by_role("button", name="Close").click()
        page.get_by_label("Event or name").fill("nothing")
        expect(page.locator("#empty")).to_contain_text("Nothing passes the filters")
        page.locator("#pause").click()
        is_fine()


def test_axe_finds_nothing_in_the_form_for_the_token(chromium: Browser) -> None:
    live = LiveView(token="t" * 20, hosts=["elsewhere.example"])
    with live_site(live) as site, opened(chromium, site.page_url, may_fail=True) as page:
        expect(page.get_by_label("Token")).to_be_visible()
        assert violations(page) == ""


def test_everything_can_be_done_by_keyboard(chromium: Browser, site: LiveSite) -> None:
    site.send(userId="1", event="first")
    site.send(userId="1", event="second")
    with opened(chromium, site.page_url) as page:
        expect(page.locator("#rows li")).to_have_count(2)
        reached = []
        for _ in range(11):
            page.keyboard.press("Tab")
            reached.append(
                page.evaluate("document.activeElement.id || document.activeElement.name || document.activeElement.type")
            )
            is_seen = "getComputedStyle(document.activeElement).outlineStyle !== 'none'"
            assert page.evaluate(f"document.activeElement.name === 'show' || {is_seen}")
            if page.evaluate("document.activeElement.matches('#rows a')"):
                break
        assert reached == ["pause", "copy", "clear", "show", "type", "name", "id", "text", "reset", ""]
        page.keyboard.press("Enter")
        expect(page.locator("#detail h2")).to_contain_text("second")
        page.keyboard.press("ArrowDown")
        expect(page.locator("#detail h2")).to_contain_text("first")
        page.keyboard.press("ArrowDown")  # there is none below
        page.keyboard.press("ArrowUp")
        expect(page.locator("#detail h2")).to_contain_text("second")
        page.keyboard.press("Escape")
        expect(page.locator("#detail")).to_be_hidden()
        assert page.evaluate("document.activeElement.matches('#rows a')"), "the focus is where it was"
        page.get_by_label("Event or name").focus()
        page.keyboard.type("first")
        expect(page.locator("#rows li")).to_have_count(1)
        page.keyboard.press("Escape")  # empties the field, as in any field for searching
        expect(page.locator("#rows li")).to_have_count(2)


def test_new_events_leave_the_focus_and_the_selection_alone(chromium: Browser, site: LiveSite) -> None:
    site.send(userId="1", event="watched")
    with opened(chromium, site.page_url) as page:
        page.locator("#rows a").click()
        page.locator("#detail summary").first.click()
        site.send(userId="1", event="later")
        expect(page.locator("#rows li")).to_have_count(2)
        expect(page.locator("#detail h2")).to_contain_text("watched")
        assert page.locator("#detail details").first.get_attribute("open") is None, "what was folded stays so"


def test_on_a_small_screen_the_event_takes_the_place_of_the_list(chromium: Browser, site: LiveSite) -> None:
    site.send(userId="1", event="a")
    with opened(chromium, site.page_url, viewport=SIZES["390"]) as page:
        page.locator("#rows a").click()
        expect(page.locator("#list")).to_be_hidden()
        assert page.evaluate("document.activeElement.id") == "detail"
        page.go_back()
        expect(page.locator("#list")).to_be_visible()
        expect(page.locator("#detail")).to_be_hidden()


def test_a_selected_event_that_is_gone_is_said_to_be(chromium: Browser, site: LiveSite) -> None:
    with opened(chromium, f"{site.page_url}#event=other.7") as page:
        expect(page.locator("#detail")).to_contain_text("This event is not here any more")
        page.get_by_role("button", name="Close").click()
        expect(page.locator("#detail")).to_be_hidden()
