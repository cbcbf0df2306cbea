"""Attacks on the live view through proxies, and with guesses of its token."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from werkzeug.middleware.proxy_fix import ProxyFix

from pixelmw.live import LiveView
from tests.support.live_site import HERE, LIVE_PATHS, TOKEN, LiveClient, bearer, is_refused
from tests.support.pixel import WholeClient

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
        *(client.ask(path).text for path in LIVE_PATHS),
        client.ask("", REMOTE_ADDR="10.0.0.1").text,
    ]
    assert not [text for text in shown if TOKEN in text]


def test_the_log_says_that_it_is_on(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        LiveView("/watch", token=TOKEN)
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("pixelmw.requests", "WARNING")
    assert "the live view is on at /watch" in record.getMessage()
