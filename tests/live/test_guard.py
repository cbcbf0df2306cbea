"""Attacks on the live view by other machines, hostile names and other sites."""

from __future__ import annotations

import pytest

from pixelmw.live import LiveView
from tests.support.live_site import LIVE_PATHS, TOKEN, LiveClient, bearer, is_refused

# --- from where ---


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "LocalHost:8000", "127.0.0.1:1", "[::1]:80", "[::1]"])
def test_this_machine_is_answered(client: LiveClient, address: str, host: str) -> None:
    assert client.ask("/all", REMOTE_ADDR=address, HTTP_HOST=host).status_code == 200


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "172.17.0.1", "192.168.1.7", "::2", "::ffff:10.0.0.1", "", "localhost", None]
)
def test_no_other_address_is_answered(client: LiveClient, address: str | None) -> None:
    assert is_refused(client, REMOTE_ADDR=address)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evil.localhost",
        "evil@localhost",
        "localhost@evil.example",
        "localhost:80@evil.example",
        "localhost:8000:1",
        "localhost/",
        "localhost,evil.example",
        "[::1",
        "::1",
        "[localhost]",
        "2130706433",
        "0x7f.1",
        "0.0.0.0",
        "",
        None,
    ],
)
def test_a_name_that_only_resolves_to_this_machine_is_not_answered(client: LiveClient, host: str | None) -> None:
    """DNS rebinding: the page of a hostile name is of the same origin as what answers under that name."""
    assert is_refused(client, HTTP_HOST=host)


def test_hosts_that_are_named_are_known() -> None:
    client = LiveClient(LiveView(hosts=["dev.example", "[::1]"]))
    assert client.ask("/all", HTTP_HOST="dev.example:8000").status_code == 200
    assert client.ask("/all", HTTP_HOST="[::1]:8000").status_code == 200
    assert client.ask("/all", HTTP_HOST="localhost").status_code == 403


def test_a_refusal_says_why_and_shows_no_control_character(client: LiveClient) -> None:
    assert "not from this machine" in client.ask("/all", REMOTE_ADDR="10.0.0.1").text
    assert "LiveView(token=...)" in client.ask("/all", REMOTE_ADDR="10.0.0.1").text
    answer = client.ask("/all", HTTP_HOST=f"\x1b[31m{'x' * 500}<b>")
    assert "\x1b" not in answer.text
    assert len(answer.text) < 300
    assert answer.headers["Content-Type"].startswith("text/plain")


# --- from another site ---


@pytest.mark.parametrize("site", ["cross-site", "same-site", "", "same-origin, cross-site", "Same-Origin "])
@pytest.mark.parametrize("mode", ["cors", "no-cors", "navigate"], ids=["fetch", "image", "form"])
def test_a_page_of_another_site_gets_nothing(client: LiveClient, site: str, mode: str) -> None:
    assert is_refused(client, HTTP_SEC_FETCH_SITE=site, HTTP_SEC_FETCH_MODE=mode)


def test_not_even_with_the_token(with_token: LiveClient) -> None:
    assert is_refused(with_token, HTTP_SEC_FETCH_SITE="cross-site", **bearer(TOKEN))
    assert is_refused(with_token, HTTP_ORIGIN="https://evil.example", **bearer(TOKEN))


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_the_page_itself_and_the_address_bar_are_answered(client: LiveClient, site: str) -> None:
    assert client.ask("/all", HTTP_SEC_FETCH_SITE=site).status_code == 200
    assert (
        client.ask("/reset", "POST", HTTP_SEC_FETCH_SITE=site, HTTP_ORIGIN="http://localhost:8000").status_code == 200
    )


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "http://evil.example",
        "http://localhost",
        "http://localhost:3000",
        "https://localhost:8000",
        "http://localhost:80000",
        "http://127.0.0.1:8000",
    ],
)
def test_an_old_browser_gives_another_origin_away(client: LiveClient, origin: str) -> None:
    """Another port is another origin: what else runs on this machine, too."""
    assert is_refused(client, HTTP_ORIGIN=origin)
    assert client.ask("/reset", "POST", HTTP_ORIGIN="http://localhost:8000").status_code == 200


def test_nothing_allows_another_site_to_read_or_to_frame_it(client: LiveClient) -> None:
    for path in LIVE_PATHS:
        headers = client.ask(path, "POST" if path == "/reset" else "GET").headers
        assert "Access-Control-Allow-Origin" not in headers
        assert (headers["Cross-Origin-Resource-Policy"], headers["X-Frame-Options"]) == ("same-origin", "DENY")
        assert (headers["X-Content-Type-Options"], headers["Cache-Control"]) == ("nosniff", "no-store")
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
