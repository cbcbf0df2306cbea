"""What the tests of the live view share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from pixelmw.live import LiveView
from tests.support.live_site import TOKEN, LiveClient, LiveSite, browser, live_site


@pytest.fixture
def client() -> LiveClient:
    """A wrapped application with a live view."""
    return LiveClient()


@pytest.fixture
def with_token() -> LiveClient:
    """A live view that has a token."""
    client = LiveClient(LiveView(token=TOKEN))
    client.send(userId="42", event="Secret")
    return client


@pytest.fixture
def site() -> Iterator[LiveSite]:
    """The same under a server."""
    with live_site() as running:
        yield running


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for the tests of a module."""
    with browser() as running:
        yield running
