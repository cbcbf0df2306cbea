"""The HTTP sink behind a proxy: one that is named, and one that the environment names."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pixelmw.sinks.base import Unavailable
from pixelmw.sinks.http import HTTP
from tests.support import http_server
from tests.support.http_proxy import HTTPProxy, http_proxy
from tests.support.http_server import KEY, DataPlane, data_plane
from tests.support.processes import event

server = http_server.server
PASSWORD = "pa%20ss"
LOGIN = "user:pa ss"


@pytest.fixture
def proxy() -> Iterator[HTTPProxy]:
    with http_proxy() as running:
        yield running


@pytest.fixture
def strict_proxy() -> Iterator[HTTPProxy]:
    with http_proxy(LOGIN) as running:
        yield running


def with_login(proxy: HTTPProxy) -> str:
    return f"http://user:{PASSWORD}@127.0.0.1:{proxy.server_port}"


@pytest.fixture(autouse=True)
def no_proxies_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def test_a_proxy_is_told_the_whole_url_and_keeps_its_connection(server: DataPlane, proxy: HTTPProxy) -> None:
    with HTTP(server.url, KEY, proxy=proxy.url) as sink:
        sink(event("1"))
        sink(event("2"))
    assert server.ids() == ["1", "2"]
    assert proxy.passed == [f"{server.url}/v1/batch"] * 2
    assert {request.headers["Host"] for request in server.requests} == {server.url.removeprefix("http://")}


def test_https_goes_through_a_tunnel(certificate: Path, proxy: HTTPProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with data_plane(certificate=certificate) as server, HTTP(server.url, KEY, proxy=proxy.url) as sink:
        sink(event("1"))
        sink(event("2"))
        assert server.ids() == ["1", "2"]
    assert proxy.passed == [server.url.removeprefix("https://")]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_login_is_for_the_proxy_alone(
    certificate: Path, strict_proxy: HTTPProxy, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with data_plane(certificate=certificate if scheme == "https" else None) as server:
        with HTTP(server.url, KEY, proxy=with_login(strict_proxy)) as sink:
            sink(event("1"))
        assert server.ids() == ["1"]
        assert "Proxy-Authorization" not in server.requests[0].headers


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    ("status", "words"), [(407, "put them into the URL of the proxy"), (403, "firewall or a proxy")]
)
def test_a_proxy_that_refuses_is_no_verdict_on_an_event(
    proxy: HTTPProxy, caplog: pytest.LogCaptureFixture, scheme: str, status: int, words: str
) -> None:
    caplog.set_level(logging.DEBUG)
    proxy.refusal = status
    url = f"http://user:{PASSWORD}@127.0.0.1:{proxy.server_port}"
    sink = HTTP(f"{scheme}://127.0.0.1:1", KEY, proxy=url)
    with pytest.raises(Unavailable, match=f"answered {status}; .*{words}") as caught:
        sink(event("1"))
    said = f"{caught.value!r} {sink!r} {caplog.text}"
    assert PASSWORD not in said
    assert "pa ss" not in said


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_is_away_or_says_nothing_is_unavailable_in_time(
    proxy: HTTPProxy, free_port: int, scheme: str
) -> None:
    proxy.hangs = True
    start = time.monotonic()
    for url in (f"http://127.0.0.1:{free_port}", proxy.url):
        with pytest.raises(Unavailable, match="did not answer"):
            HTTP(f"{scheme}://data-plane.example", KEY, timeout=0.3, proxy=url)(event("1"))
    assert time.monotonic() - start < 10  # and not for ever


# --- the environment's ---


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy"])
def test_the_environment_names_the_proxy_if_it_is_asked(
    server: DataPlane, proxy: HTTPProxy, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, proxy.url)
    for number, choice in enumerate((None, "environment")):
        with HTTP(server.url, KEY, proxy=choice) as sink:
            sink(event(str(number)))
    assert server.ids() == ["0", "1"]
    assert len(proxy.passed) == 1


def test_the_environment_may_leave_out_the_scheme(
    server: DataPlane, proxy: HTTPProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", proxy.url.removeprefix("http://"))
    with HTTP(server.url, KEY, proxy="environment") as sink:
        sink(event("1"))
    assert len(proxy.passed) == 1


@pytest.mark.parametrize("exception", ["127.0.0.1", "other.example, 127.0.0.1", "*", "127.0.0.1:{port}"])
def test_hosts_that_the_environment_excepts_are_asked_directly(
    server: DataPlane, proxy: HTTPProxy, monkeypatch: pytest.MonkeyPatch, exception: str
) -> None:
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.setenv("no_proxy", exception.format(port=server.server_port))
    with HTTP(server.url, KEY, proxy="environment") as sink:
        sink(event("1"))
    assert server.ids() == ["1"]
    assert not proxy.passed


def test_the_proxy_of_another_scheme_and_of_a_cgi_request_is_not_used(
    server: DataPlane, proxy: HTTPProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", proxy.url)
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("REQUEST_METHOD", "GET")  # then HTTP_PROXY is a header of the visitor's
    with HTTP(server.url, KEY, proxy="environment") as sink:
        sink(event("1"))
    assert not proxy.passed


@pytest.mark.parametrize(
    "proxy",
    [
        "",
        "enviroment",
        "proxy.example:3128",
        "socks5://u:open-sesame@h",
        "http://",
        "http://[open",
        "ftp://open-sesame",
        "http://h/open",
    ],
)
def test_what_is_no_proxy_is_refused_at_once_and_does_not_show(proxy: str) -> None:
    with pytest.raises(ValueError, match='proxy must be "environment", or a URL') as caught:
        HTTP("http://data-plane.example", KEY, proxy=proxy)
    assert "open" not in str(caught.value)


def test_an_environment_that_names_no_http_proxy_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "socks5://u:open-sesame@h")
    with pytest.raises(ValueError, match="the environment names no HTTP proxy") as caught:
        HTTP("http://data-plane.example", KEY, proxy="environment")
    assert "open" not in str(caught.value)
