"""Attacks on the live view: other machines, other sites, proxies, hostile names, and guesses."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from werkzeug.middleware.proxy_fix import ProxyFix

from pixelmw.live import LiveView
from tests.support.live_site import HERE, LiveClient
from tests.support.pixel import WholeClient

TOKEN = "a-token-of-24-characters"
PATHS = ["", "/", "/all", "/good", "/bad", "/events", "/reset"]


def bearer(token: str) -> dict[str, Any]:
    return {"HTTP_AUTHORIZATION": f"Bearer {token}"}


@pytest.fixture
def with_token() -> LiveClient:
    """A live view that has a token."""
    client = LiveClient(LiveView(token=TOKEN))
    client.send(userId="42", event="Secret")
    return client


def is_refused(client: LiveClient, method: str = "GET", **environ: Any) -> bool:
    """Whether every path refuses, and shows nothing of an event."""
    client.send(userId="42", event="Secret")
    answers = [client.ask(path, "POST" if path == "/reset" else method, **environ) for path in PATHS]
    assert not any("Secret" in answer.text for answer in answers)
    assert client.json("/all")["total"] > 0, "a reset went through"
    assert len({answer.status_code for answer in answers}) == 1
    return answers[0].status_code == 403  # type: ignore[no-any-return]


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
    for path in PATHS:
        headers = client.ask(path, "POST" if path == "/reset" else "GET").headers
        assert "Access-Control-Allow-Origin" not in headers
        assert (headers["Cross-Origin-Resource-Policy"], headers["X-Frame-Options"]) == ("same-origin", "DENY")
        assert (headers["X-Content-Type-Options"], headers["Cache-Control"]) == ("nosniff", "no-store")
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


# --- through a proxy ---

PROXIES: dict[str, dict[str, Any]] = {
    "nginx, by default": {"SERVER_PROTOCOL": "HTTP/1.0"},
    "an older protocol": {"SERVER_PROTOCOL": "HTTP/0.9"},
    "no protocol": {"SERVER_PROTOCOL": ""},
    "Forwarded": {"HTTP_FORWARDED": "for=192.0.2.1"},
    "X-Forwarded-For": {"HTTP_X_FORWARDED_FOR": "127.0.0.1"},
    "X-Forwarded-Host": {"HTTP_X_FORWARDED_HOST": "localhost"},
    "X-Forwarded-Proto": {"HTTP_X_FORWARDED_PROTO": ""},
    "X-Forwarded-Server": {"HTTP_X_FORWARDED_SERVER": "a"},
    "X-Real-IP": {"HTTP_X_REAL_IP": "127.0.0.1"},
    "Via": {"HTTP_VIA": "1.1 caddy"},
    "Cloudflare": {"HTTP_CF_CONNECTING_IP": "192.0.2.1"},
    "Akamai": {"HTTP_TRUE_CLIENT_IP": "192.0.2.1"},
}


@pytest.mark.parametrize("signs", PROXIES.values(), ids=PROXIES)
def test_what_shows_a_proxy_is_refused_without_the_token(client: LiveClient, signs: dict[str, Any]) -> None:
    """Behind one on the same machine, everybody comes from a loopback address."""
    assert is_refused(client, **signs)


@pytest.mark.parametrize("signs", PROXIES.values(), ids=PROXIES)
def test_with_the_token_a_proxy_is_no_matter(with_token: LiveClient, signs: dict[str, Any]) -> None:
    assert with_token.ask("/all", **signs, **bearer(TOKEN)).status_code == 200


def through_proxy_fix(client: LiveClient, **environ: str) -> int:
    app = ProxyFix(client.middleware, x_for=1, x_host=1)

    def without_headers(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Something between ProxyFix and us that takes the headers away again."""
        return inner({k: v for k, v in environ.items() if not k.startswith("HTTP_X_")}, start_response)

    inner, app.app = app.app, without_headers
    return WholeClient(app).get("/_pixelmw/all", environ_overrides=HERE | environ).status_code


def test_an_address_that_proxy_fix_changed_is_refused(client: LiveClient) -> None:
    assert through_proxy_fix(client, HTTP_X_FORWARDED_FOR="127.0.0.1", REMOTE_ADDR="10.0.0.1") == 403
    assert through_proxy_fix(client, HTTP_X_FORWARDED_HOST="localhost", HTTP_HOST="evil.example") == 403
    assert through_proxy_fix(client) == 200  # it is there, and has changed nothing


# --- the token ---


def test_the_token_opens_it_from_anywhere(with_token: LiveClient) -> None:
    far = {"REMOTE_ADDR": "203.0.113.9", "HTTP_HOST": "shop.example"}
    assert with_token.json("/all", **far, **bearer(TOKEN))["good"] == 1
    assert with_token.json("/reset", "POST", **far, HTTP_AUTHORIZATION=f"bearer  {TOKEN}")["good"] == 0


@pytest.mark.parametrize(
    "guess",
    [
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN.upper()}",
        f"Bearer {TOKEN} {TOKEN}",
        f"Basic {TOKEN}",
        TOKEN,
        "Bearer \xff",
        "Bearer None",
    ],
)
def test_a_guess_opens_nothing(with_token: LiveClient, client: LiveClient, guess: str) -> None:
    far = {"REMOTE_ADDR": "203.0.113.9", "HTTP_AUTHORIZATION": guess}
    assert is_refused(with_token, **far)
    assert is_refused(client, **far)


def test_this_machine_needs_no_token(with_token: LiveClient) -> None:
    assert with_token.ask("/all").status_code == 200


def test_who_needs_the_token_gets_the_page_that_asks_for_it(with_token: LiveClient) -> None:
    page = with_token.ask("", REMOTE_ADDR="203.0.113.9")
    assert (page.status_code, page.data) == (403, with_token.ask("").data)
    assert page.headers["Content-Security-Policy"] == with_token.ask("").headers["Content-Security-Policy"]
    assert with_token.ask("/events", REMOTE_ADDR="203.0.113.9").headers["Content-Type"].startswith("text/plain")
    other_site = with_token.ask("", REMOTE_ADDR="203.0.113.9", HTTP_SEC_FETCH_SITE="cross-site")
    assert other_site.headers["Content-Type"].startswith("text/plain")


def test_the_token_is_nowhere_to_be_seen(caplog: pytest.LogCaptureFixture) -> None:
    live = LiveView(token=TOKEN)
    client = LiveClient(live)
    shown = [
        repr(live),
        caplog.text,
        *(client.ask(path).text for path in PATHS),
        client.ask("", REMOTE_ADDR="10.0.0.1").text,
    ]
    assert not [text for text in shown if TOKEN in text]


def test_the_log_says_that_it_is_on(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        LiveView("/watch", token=TOKEN)
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("pixelmw.requests", "WARNING")
    assert "the live view is on at /watch" in record.getMessage()
