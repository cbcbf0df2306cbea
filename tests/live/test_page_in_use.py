"""The page in a hidden tab, over restarts, and what is copied from it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support.live_site import LiveClient, LiveSite, live_site, opened
from tests.support.processes import wait_until
from tests.support.tabs import browser_tabs

pytestmark = pytest.mark.slow


def test_a_hidden_tab_does_not_ask(site: LiveSite, tmp_path: Path) -> None:
    with browser_tabs(tmp_path) as tabs, live_site() as other:
        live = tabs.open(site.page_url)
        wait_until(lambda: site.polls() >= 2)
        tabs.open(other.page_url)
        wait_until(lambda: other.polls() >= 1)
        before = site.polls()
        wait_until(lambda: other.polls() >= 5)
        assert site.polls() <= before + 1, "one question may have been on its way"
        tabs.show(live)
        wait_until(lambda: site.polls() >= before + 3)


def test_it_goes_on_when_the_server_is_back_and_shows_both_runs(chromium: Browser) -> None:
    with live_site() as first:
        first.send(userId="1", event="of the first")
        with opened(chromium, first.page_url) as page:
            expect(page.locator("#rows li", has_text="of the first")).to_be_visible()
            first.inside = LiveClient()  # the same address, and another process as far as a page can see
            first.send(userId="1", event="of the second")
            expect(page.locator("#rows li", has_text="of the second")).to_be_visible()
            expect(page.locator("#rows li", has_text="of the first")).to_be_visible()
            expect(page.locator("footer")).to_contain_text("Events of the 2 processes that have answered so far")
            expect(page.locator("#total")).to_have_text("2")


@pytest.mark.parametrize("granted", [True, False], ids=["clipboard", "no clipboard"])
def test_copied_is_what_is_shown_as_json_that_a_terminal_does_not_act_on(
    chromium: Browser, site: LiveSite, granted: bool
) -> None:
    site.send(userId="1", event="a\x1b[2J\u202e\x9bé😀")
    site.send(userId="1", event="hidden")
    with opened(chromium, site.page_url, permissions=["clipboard-read", "clipboard-write"]) as page:
        if not granted:  # as over plain HTTP from another machine
            page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
        page.get_by_label("Event or name").fill("a")
        expect(page.locator("#rows li")).to_have_count(1)
        page.get_by_role("button", name="Copy as JSON").click()
        expect(page.locator("#copy")).to_have_text("Copied")
        page.evaluate("document.body.append(Object.assign(document.createElement('textarea'), {id: 'paste'}))")
        page.locator("#paste").focus()
        page.keyboard.press("ControlOrMeta+v")
        pasted = page.locator("#paste").input_value()
    assert json.loads(pasted) == [entry for entry in site.inside.json("/good") if entry["event"]["event"] != "hidden"]
    assert not set("\x1b\u202e\x9b") & set(pasted)
    assert "é😀" in pasted
