"""The page against what an event may hold, against other sites, and against those without the token."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Route, expect
from werkzeug.serving import make_server

from pixelmw.live import LiveView
from tests.support.live_site import TOKEN, TRACK, LiveSite, launched, live_site, opened
from tests.support.processes import wait_until

pytestmark = pytest.mark.slow


OWN = "document.title='owned'"
MARKUP = f'</script><script>{OWN}</script><img src=x onerror="{OWN}"><a href=javascript:alert(1)>'
TURNING = "\u202egnp.exe\u2066\x1b[2J\x00\u200b"


@pytest.mark.parametrize("text", [MARKUP, TURNING], ids=["markup", "turning"])
def test_what_an_event_holds_is_text_in_every_field(chromium: Browser, text: str) -> None:
    value = quote(text)
    fields = ("event", "userId", "messageId", "anonymousId", "properties.a", "context.page.url", "originalTimestamp")
    query = "&".join([*(f"{name}={value}" for name in fields), f"properties.{value}=1", f"{value}=2", f"{value}.b=3"])
    good = query.rpartition("&")[0]
    with live_site() as site, opened(chromium, site.url) as page:
        for each in (good, query, good.replace("event=", "event.x=")):
            site.inside.client.get(TRACK, query_string=each, headers={"User-Agent": quote(text)})
        page.goto(f"{site.page_url}#text={value}&event={value}")
        page.goto(site.page_url)
        expect(page.locator("#rows li")).to_have_count(3)
        for number in range(3):
            page.locator("#rows a").nth(number).click()
            expect(page.locator("#detail dl")).to_be_visible()
            assert "owned" not in page.title()
            assert page.locator("main img, main script, main a:not(#rows a)").count() == 0
            shown = page.locator("main").inner_text()
            assert not set("\u202e\u2066\x1b\x00\u200b") & set(shown)
        if text is TURNING:
            expect(page.locator("#rows .name").first).to_contain_text("U+202E")


def test_a_script_that_got_in_would_not_run(chromium: Browser, site: LiveSite) -> None:
    with opened(chromium, site.page_url, may_fail=True) as page:
        blocked = page.evaluate(
            """() => {
                const script = document.createElement("script");
                try { script.textContent = "document.title = 'owned'"; document.body.append(script); } catch {}
                try { document.body.innerHTML = "<b>owned</b>"; return false; } catch { return true; }
            }"""
        )
        assert blocked
        assert page.title() == "Live pixels"


@contextmanager
def evil_page(body: str) -> Iterator[str]:
    """A page of another site, 127.0.0.1, which to a browser is another than localhost."""

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/html")])
        return [body.encode()]

    server = make_server("127.0.0.1", 0, app, threaded=True)
    server.log = lambda *arguments: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}/"
    finally:
        server.shutdown()
        thread.join(20)
        server.server_close()


# What "done" says becomes the title of the page.
HEAD = "<script>let sent = false; const done = (what) => { document.title = what }, no = () => done('refused')</script>"
FETCH = "<script>fetch('{url}', {options}).then((a) => a.text()).then((text) => done('got ' + text), no)</script>"
LOADS = 'onload="done(\'read\')" onerror="no()"'
JSON_TYPE = "{method: 'POST', headers: {'Content-Type': 'application/json'}, body: '{}'}"
FORM = """<iframe name=f onload="if (sent) no()"></iframe><form id=a target=f method=post action="{url}/reset"></form>
<script>sent = true; document.getElementById("a").submit()</script>"""
ATTACKS = {
    "fetch": FETCH.replace("{url}", "{url}/all").replace("{options}", "{}"),
    "fetch without cors": "<script>fetch('{url}/reset', {method: 'POST', mode: 'no-cors'}).then(no, no)</script>",
    "fetch of another type": FETCH.replace("{url}", "{url}/reset").replace("{options}", JSON_TYPE),
    "beacon": "<script>navigator.sendBeacon('{url}/reset', ''); no()</script>",
    "image": f"<img src='{{url}}/all' {LOADS}>",
    "script": f"<script src='{{url}}/all' {LOADS}></script>",
    "form": FORM,
    "frame": "<iframe src='{url}' onload=\"done(this.contentDocument?.body.innerText ? 'read' : 'refused')\"></iframe>",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_page_of_another_site_reads_nothing_and_clears_nothing(
    chromium: Browser, site: LiveSite, attack: str
) -> None:
    site.send(userId="42", event="Secret")
    body = HEAD + ATTACKS[attack].replace("{url}", site.page_url)
    with evil_page(body) as url, opened(chromium, url, may_fail=True) as page:
        expect(page).to_have_title("refused")
        page.wait_for_load_state("networkidle")
        assert "Secret" not in "".join(frame.content() for frame in page.frames)
    assert site.inside.json("/all")["total"] == 1
    assert site.asked, "the attack has reached the view"


def test_a_hostile_name_for_this_machine_gets_nothing(chromium: Browser, site: LiveSite) -> None:
    """The browser believes that evil.example is this machine, as after DNS rebinding."""
    site.send(userId="42", event="Secret")
    hostile = site.url.replace("localhost", "evil.example")
    rebound = "--host-resolver-rules=MAP evil.example 127.0.0.1"
    with launched(chromium.browser_type, rebound) as deceived, opened(deceived, hostile, may_fail=True) as page:
        assert "is not known here" in page.evaluate("fetch('/_pixelmw/good').then((answer) => answer.text())")
        page.goto(f"{hostile}/_pixelmw")
        expect(page.locator("body")).to_contain_text("is not known here")
    assert site.asked == ["GET /_pixelmw/good", "GET /_pixelmw"]


def through_a_proxy(route: Route) -> None:
    route.continue_(headers=route.request.headers | {"X-Forwarded-For": "203.0.113.9"})


def test_who_comes_through_a_proxy_is_asked_for_the_token(chromium: Browser) -> None:
    with live_site(LiveView(token=TOKEN)) as site, opened(chromium, "about:blank", may_fail=True) as page:
        site.send(userId="42", event="Secret")
        page.route("**/*", through_a_proxy)
        page.goto(site.page_url)
        expect(page.get_by_role("status")).to_contain_text("through a proxy")
        for guess in ("a guess", "another"):
            page.get_by_label("Token").fill(guess)
            page.get_by_role("button", name="Open").click()
        wait_until(lambda: site.polls() >= 3)
        expect(page.get_by_label("Token")).to_be_visible()
        assert "Secret" not in page.content()
        page.get_by_label("Token").fill(TOKEN)
        page.get_by_role("button", name="Open").click()
        expect(page.locator("#rows li")).to_contain_text("Secret")
        expect(page.get_by_label("Token")).to_be_hidden()
        page.reload()
        expect(page.locator("#rows li")).to_contain_text("Secret")
        assert TOKEN not in page.url
        assert TOKEN not in page.content()
        page.get_by_role("button", name="Clear").click()
        expect(page.locator("#empty")).to_contain_text("Cleared")


def test_a_token_counts_that_is_given_while_an_answer_is_on_its_way(chromium: Browser) -> None:
    with live_site(LiveView(token=TOKEN)) as site, opened(chromium, "about:blank", may_fail=True) as page:
        site.send(userId="42", event="Secret")
        page.route("**/*", through_a_proxy)
        page.goto(site.page_url)
        held: list[Route] = []
        page.get_by_label("Token").fill("a guess")
        page.route("**/events*", lambda route: held.append(route))
        with page.expect_request("**/events*"):
            page.get_by_role("button", name="Open").click()
        page.get_by_label("Token").fill(TOKEN)
        page.get_by_role("button", name="Open").click()
        page.unroute("**/events*")
        assert held
        for route in held:
            through_a_proxy(route)
        expect(page.locator("#rows li")).to_contain_text("Secret")


def test_without_a_token_who_comes_through_a_proxy_is_told_why(chromium: Browser, site: LiveSite) -> None:
    with opened(chromium, "about:blank", may_fail=True) as page:
        page.route("**/*", through_a_proxy)
        page.goto(site.page_url)
        expect(page.locator("body")).to_contain_text("came through a proxy: it has the header X-Forwarded-For.")
        expect(page.locator("body")).to_contain_text("LiveView(token=...)")
