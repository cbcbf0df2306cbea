"""The page of the live view, driven in a real browser."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from pixelmw import Discard, Event
from pixelmw.enrich import client_context
from pixelmw.live import LiveView
from tests.support.live_site import PAGE, SOON, LiveSite, live_site, opened

pytestmark = pytest.mark.slow


def row(page: Page, text: str) -> Any:
    return page.locator("#rows li", has_text=text)


def test_an_event_appears_within_two_seconds_and_the_newest_is_first(chromium: Browser, site: LiveSite) -> None:
    with opened(chromium, site.page_url) as page:
        expect(page.get_by_role("status")).to_have_text("Listening")
        site.send(PAGE, anonymousId="visitor-1", name="Home")
        expect(row(page, "Home")).to_be_visible(timeout=SOON)
        site.send(userId="42", event="Paid")
        expect(page.locator("#rows li").first).to_contain_text("Paid", timeout=SOON)
        expect(row(page, "Paid")).to_contain_text("good")
        expect(row(page, "Paid")).to_contain_text("track")
        expect(row(page, "Paid")).to_contain_text("42")
        expect(row(page, "Home")).to_contain_text("visitor-1")
        assert page.locator("#rows time").first.get_attribute("datetime") == site.inside.json("/good")[0]["time"]
        expect(page.locator("#counts")).to_have_text("2 events")


@pytest.mark.parametrize(
    ("fields", "sentence", "change"),
    [
        ({"userId": "1"}, "event is required", "Add event=… to the link, and send it again."),
        ({"userId": "1", "event": ""}, "event must not be blank", "Change event=… in the link, and send it again."),
        (
            {"event": "a", "userId": "{{user.id}}"},
            "userId",
            "Fill in userId where the link is made: it says {{user.id}}",
        ),
        ({"event": "a", "writeKey": "k2"}, "writeKey is unknown", "Put writeKey=… with a key that is known here"),
        ({"a": "1", "a.b": "2"}, "a has a value", "Change the link so that each parameter"),
        ({"userId": "1", "event": "fail"}, "the event could not be stored", "Nothing is wrong with the link"),
    ],
    ids=["missing", "blank", "placeholder", "key", "conflict", "sink"],
)
def test_a_bad_event_says_in_one_sentence_what_to_change(
    chromium: Browser, fields: dict[str, str], sentence: str, change: str
) -> None:
    def sink(event: Event) -> None:
        if event["event"] == "fail":
            raise RuntimeError("the sink is down")

    with live_site(sink=sink, write_keys=["k1"]) as site, opened(chromium, site.page_url) as page:
        site.send(**({"writeKey": "k1"} | fields))
        expect(page.locator("#rows li.bad")).to_contain_text(sentence)
        page.locator("#rows a").click()
        expect(page.locator("#detail .sentence")).to_contain_text(sentence)
        expect(page.locator("#detail .sentence")).to_contain_text(change)
        expect(page.locator("#detail")).to_contain_text("writeKey=***")


def test_a_click_opens_the_whole_event_as_a_tree(chromium: Browser, site: LiveSite) -> None:
    with opened(chromium, site.page_url) as page:
        site.send(
            userId="42",
            event="Paid",
            **{"properties.items.0": "a", "properties.note": "two\nlines", "properties.a\\.b": "1"},
        )
        row(page, "Paid").locator("a").click()
        tree = page.locator("#detail .tree")
        for text in ("userId", '"42"', "properties", "items", "[1]", '"a"', "a.b", "context", "messageId", "true"):
            expect(tree).to_contain_text(text)
        page.locator("summary", has_text="properties").click()
        expect(tree.get_by_text("note")).to_be_hidden()


def test_the_tree_marks_what_is_at_fault(chromium: Browser) -> None:
    schema = {"properties": {"properties": {"properties": {"price": {"type": "number"}}}}}
    with live_site(schemas={"track": schema}) as site, opened(chromium, site.page_url) as page:
        site.send(userId="42", event="Paid", **{"properties.price": "free", "properties.sku": "A"})
        row(page, "Paid").locator("a").click()
        expect(page.locator("#detail .refused")).to_have_text('price: "free"')
        expect(page.locator("#detail .reason")).to_contain_text("properties.price")


def test_filters_and_the_selection_survive_a_reload(chromium: Browser, site: LiveSite) -> None:
    site.send(PAGE, userId="1", name="Home")
    site.send(userId="1", event="Opened Mail", **{"properties.campaign": "Spring"})
    site.send(userId="2", event="Opened Door")
    site.send(userId="2", event="Paid")
    site.send(userId="3")
    with opened(chromium, site.page_url) as page:
        expect(page.locator("#rows li")).to_have_count(5)
        page.get_by_label("Event or name").fill("opened")
        expect(page.locator("#rows li")).to_have_count(2)
        page.get_by_label("Any text").fill("spring")
        page.get_by_label("Type").select_option("track")
        page.get_by_label("Good").check()
        row(page, "Opened Mail").locator("a").click()
        expect(page.locator("#rows li")).to_have_count(1)
        expect(page.locator("#counts")).to_have_text("1 of 5 events")
        address = page.url
        page.reload()
        expect(page.locator("#rows li")).to_have_count(1)
        expect(page.get_by_label("Event or name")).to_have_value("opened")
        expect(page.get_by_label("Type")).to_have_value("track")
        expect(page.get_by_label("Good")).to_be_checked()
        expect(page.locator("#detail h2")).to_contain_text("Opened Mail")
        assert page.url == address
        with opened(chromium, address) as other:  # somebody else to whom the address was given
            expect(other.locator("#rows li")).to_have_count(1)
            expect(other.locator("#detail h2")).to_contain_text("Opened Mail")
        page.get_by_role("button", name="Reset filters").click()
        expect(page.locator("#rows li")).to_have_count(5)
    assert not [asked for asked in site.asked if "opened" in asked], "the filters stay in the browser"


@pytest.mark.parametrize(
    ("label", "text", "count"), [("Id", "user-1", 1), ("Id", "MESSAGE-2", 1), ("Id", "-", 2), ("Any text", "größe", 1)]
)
def test_a_filter_finds_a_part_in_any_case(
    chromium: Browser, site: LiveSite, label: str, text: str, count: int
) -> None:
    site.send(userId="user-1", event="a", messageId="x", **{"properties.n": "GRÖSSE Größe"})
    site.send(userId="none", event="b", messageId="message-2")
    with opened(chromium, site.page_url) as page:
        expect(page.locator("#rows li")).to_have_count(2)
        page.get_by_label(label).fill(text)
        expect(page.locator("#rows li")).to_have_count(count)


def test_paused_it_holds_back_what_comes_and_resumed_it_shows_it(chromium: Browser, site: LiveSite) -> None:
    with opened(chromium, site.page_url) as page:
        site.send(userId="1", event="before")
        expect(row(page, "before")).to_be_visible()
        page.get_by_role("button", name="Pause").click()
        expect(page.get_by_role("status")).to_have_text("Paused")
        site.send(userId="1", event="meanwhile")
        expect(page.locator("#pause")).to_have_text("Resume (1 new)")
        expect(row(page, "meanwhile")).to_have_count(0)
        expect(page.locator("#total")).to_have_text("2")
        page.locator("#pause").click()
        expect(page.locator("#rows li").first).to_contain_text("meanwhile")


def test_clear_empties_the_page_and_the_server(chromium: Browser, site: LiveSite) -> None:
    site.send(userId="1", event="old")
    with opened(chromium, site.page_url) as page, opened(chromium, site.page_url) as other:
        expect(row(page, "old")).to_be_visible()
        expect(row(other, "old")).to_be_visible()
        page.get_by_role("button", name="Clear").click()
        expect(row(page, "old")).to_have_count(0)
        expect(page.locator("#empty")).to_contain_text("Cleared")
        expect(row(other, "old")).to_have_count(0)
        assert site.inside.json("/good") == []
        site.send(userId="1", event="new")
        expect(row(page, "new")).to_be_visible()
        expect(page.locator("#counts")).to_have_text("1 event")


def test_empty_for_lack_of_events_and_empty_for_filters_read_differently(chromium: Browser, site: LiveSite) -> None:
    with opened(chromium, site.page_url) as page:
        expect(page.locator("#empty")).to_contain_text("Nothing has come yet")
        expect(page.locator("#empty")).to_contain_text("this process")
        expect(page.locator("#empty button")).to_be_hidden()
        site.send(userId="1", event="a")
        expect(page.locator("#empty")).to_be_hidden()
        page.get_by_label("Event or name").fill("b")
        expect(page.locator("#empty")).to_contain_text("1 event is here, and the filters hide all of them")
        page.locator("#empty button").click()
        expect(row(page, "a")).to_be_visible()


def test_it_says_what_fell_out_what_is_hidden_and_what_was_discarded(chromium: Browser) -> None:
    def discard(event: Event, request: object) -> None:
        if event["event"] == "unwanted":
            raise Discard

    def sink(event: Event) -> None:
        if event["event"] == "odd":
            event["odd"] = float("inf")

    with live_site(LiveView(limit=3), sink=sink, enrich=(client_context, discard)) as site:
        for event in ("one", "two", "three", "unwanted", "odd"):
            site.send(userId="1", event=event)
        with opened(chromium, site.page_url) as page:
            counts = "2 events · 1 fell out of the limit · 1 cannot be shown · 1 discarded by an enricher"
            expect(page.locator("#counts")).to_have_text(counts)
            expect(row(page, "one")).to_have_count(0)
            site.send(userId="1", event="four")
            site.send(userId="1", event="five")
            expect(row(page, "five")).to_be_visible()
            expect(row(page, "two")).to_have_count(0)
            expect(page.locator("footer")).to_contain_text("Only the process that answers is shown")
