"""The pages as they are built: without a warning, with links that lead somewhere, and as a browser shows them."""

from __future__ import annotations

import html
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest

from tests.support.browsers import page_text

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
#: A page in a frame of a given width; its report says how much wider the page is.
FRAMES = """<!doctype html><meta charset="utf-8"><pre id="report"></pre>
<script>
const pages = {pages}, report = {{}};
(async () => {{
  for (const width of [390, 1280]) for (const page of pages) {{
    const frame = document.createElement("iframe");
    frame.style.cssText = `width: ${{width}}px; height: 900px; border: 0`;
    frame.src = page;
    const loaded = new Promise((resolve) => frame.addEventListener("load", resolve));
    document.body.append(frame);
    await loaded;
    const root = frame.contentDocument.documentElement;
    report[`${{page}} at ${{width}}`] = root.scrollWidth - root.clientWidth;
    frame.remove();
  }}
  document.getElementById("report").textContent = JSON.stringify(report);
}})();
</script>
"""


class Page(HTMLParser):
    """The addresses that a page leads to or loads, and the ids that an address may lead to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.loaded: set[str] = set()
        self.ids: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if named.get("id"):
            self.ids.add(str(named["id"]))
        if tag == "a" and named.get("href"):
            self.links.add(str(named["href"]))
        elif tag in ("script", "img") and named.get("src"):
            self.loaded.add(str(named["src"]))
        elif tag == "link" and named.get("href"):
            self.loaded.add(str(named["href"]))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory with the built pages; the build has warned of nothing."""
    output = tmp_path_factory.mktemp("docs")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "--nitpicky", "-q", "docs", str(output / "html")]
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    doctrees = ["-d", str(output / "doctrees")]
    run = subprocess.run([*command, *doctrees], cwd=ROOT, env=environ, text=True, capture_output=True, timeout=300)
    assert (run.returncode, run.stderr) == (0, "")
    return output / "html"


@pytest.fixture(scope="module")
def pages(built: Path) -> dict[Path, Page]:
    return {path: Page(path) for path in sorted(built.rglob("*.html"))}


@contextmanager
def served(directory: Path) -> Iterator[str]:
    """Serve a directory on loopback, and give the URL."""

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(directory))) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def shown(url: str, directory: Path) -> str:
    """What Chromium has made of a page, with its scripts run: these take longer than others."""
    return page_text(url, directory, "--virtual-time-budget=20000", timeout=120)


def test_every_link_within_the_pages_leads_somewhere(pages: dict[Path, Page]) -> None:
    broken = []
    for path, page in pages.items():
        for link in page.links | page.loaded:
            address, fragment = urldefrag(link)
            if urlsplit(address).scheme:
                continue
            target = (path.parent / unquote(urlsplit(address).path)).resolve() if address else path
            if not target.exists() or (fragment and target in pages and unquote(fragment) not in pages[target].ids):
                broken.append(f"{path.name}: {link}")
    assert not broken


def test_a_page_loads_nothing_from_elsewhere(pages: dict[Path, Page]) -> None:
    assert not {address for page in pages.values() for address in page.loaded if urlsplit(address).netloc}


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("your ASGI application", "The line for each framework"),
        ("503 since the database restarted", "open a new connection by themselves"),
        ("headers the proxy must keep", "X-Forwarded-For"),
        ("dead, queued and dropped count", "counter of events that became dead letters"),
        ("a write key may be logged", "it is not a secret"),
        ("a sink is tested", "check_sink(lambda:"),
    ],
)
def test_a_question_is_answered_one_click_from_the_first_page(built: Path, question: str, answer: str) -> None:
    rows = (built / "index.html").read_text(encoding="utf-8").split("<tr")
    (row,) = [row for row in rows if question in words(row)]
    link = re.search(r'href="(.*?)"', row)
    assert link
    address, fragment = urldefrag(link[1])
    target = (built / address).read_text(encoding="utf-8")
    assert answer in words(target[target.index(f'id="{fragment}"') if fragment else 0 :])


def words(source: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", "", source)))


@pytest.mark.parametrize(
    ("query", "page"),
    [
        ("Retry-After", "reference/answers.html"),
        ("dead letter", "reference/delivery.html"),
        ("userId", "reference/events.html"),
    ],
)
def test_the_search_finds_the_page_in_a_browser(built: Path, tmp_path: Path, query: str, page: str) -> None:
    with served(built) as url:
        dom = shown(f"{url}/search.html?q={query.replace(' ', '+')}", tmp_path)
    assert page in re.findall(r'<a href="([^"#?]+)', dom.partition('class="search"')[2])


def test_no_page_is_wider_than_a_phone_or_a_screen(built: Path, pages: dict[Path, Page], tmp_path: Path) -> None:
    names = [path.relative_to(built).as_posix() for path in pages]
    (built / "frames.html").write_text(FRAMES.format(pages=json.dumps(names)))
    with served(built) as url:
        dom = shown(f"{url}/frames.html", tmp_path)
    report = re.search(r'<pre id="report">(.+?)</pre>', dom)
    assert report
    overhang = json.loads(html.unescape(report[1]))
    assert len(overhang) == 2 * len(names)
    assert not {page: pixels for page, pixels in overhang.items() if pixels > 0}
