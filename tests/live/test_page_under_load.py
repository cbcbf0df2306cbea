"""The page while much comes, and when all that may be kept is kept."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.live_site import TRACK, LiveSite, opened

pytestmark = pytest.mark.slow

MOST_MEMORY = 150 * 1024 * 1024


def memory(page: Page) -> int:
    """The bytes that the page takes: of its script, of what it shows, and of texts beside these."""
    usage: dict[str, Any] = page.context.new_cdp_session(page).send("Runtime.getHeapUsage")
    return int(sum(usage[kind] for kind in ("totalSize", "embedderHeapUsedSize", "backingStorageSize")))


def test_a_full_view_fits_into_the_memory_of_a_page(chromium: Browser, site: LiveSite) -> None:
    for number in range(1200):
        site.inside.send(
            userId="42", event=f"event {number}", **{"properties.text": "ä" * 600, "properties.more": "x" * 3000}
        )
    kept = len(site.inside.json("/good"))
    assert kept >= 900
    with opened(chromium, site.page_url) as page:
        expect(page.locator("#rows li")).to_have_count(kept)
        assert memory(page) < MOST_MEMORY
        page.get_by_label("Any text").fill("event 1199")
        expect(page.locator("#rows li")).to_have_count(1)


def test_fifty_a_second_arrive_and_no_answer_is_different(chromium: Browser, site: LiveSite) -> None:
    answers: list[tuple[str, bytes, list[tuple[str, str]]]] = []

    def send() -> None:
        for number in range(300):
            sent = time.monotonic()
            answer = site.inside.client.get(TRACK, query_string={"userId": "1", "event": f"event {number}"})
            answers.append((answer.status, answer.data, list(answer.headers)))
            done.wait(max(0.0, 0.02 - (time.monotonic() - sent)))

    done = threading.Event()
    with opened(chromium, site.page_url) as page:
        expect(page.get_by_role("status")).to_have_text("Listening")
        sending = threading.Thread(target=send)
        sending.start()
        try:
            expect(page.locator("#counts")).to_have_text("300 events", timeout=60_000)
        finally:
            done.set()
            sending.join(60)
        assert memory(page) < MOST_MEMORY
        names = [f"event {number}" for number in reversed(range(300))]
        assert page.locator("#rows .name").all_text_contents() == names
    assert answers == [answers[0]] * 300
