"""A job for CI that opens a page in a browser without a window, and fails unless the page sends its three events.

Run it with ``python pixels_in_ci.py``. It prints the events, and ends with 0 if
they came and no pixel of the page was refused. ``python pixels_in_ci.py
/mistaken`` opens a page with a mistake: it ends with 1 and says what is wrong.
In a job of yours, the application is the one that you test, and the browser is
what drives your other tests.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from pixelmw import PixelMiddleware

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

PIXELS = [
    "/pixel/v1/page?writeKey=shop&anonymousId=robot&name=Checkout",
    "/pixel/v1/track?writeKey=shop&anonymousId=robot&event=Checkout+Started&properties.revenue=9.90",
    "/pixel/v1/track?writeKey=shop&anonymousId=robot&event=Coupon+Applied",
]


def shop(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """A page that sends three events, or with a mistake in the last one."""
    pixels = [pixel.replace("event=Coupon", "evnet=Coupon") for pixel in PIXELS]
    if environ["PATH_INFO"] != "/mistaken":
        pixels = PIXELS
    images = "".join(f'<img src="{pixel.replace("&", "&amp;")}" alt="">' for pixel in pixels)
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
    return [f"<!doctype html><title>Shop</title>{images}".encode()]


stored: list[object] = []
app = PixelMiddleware(shop, stored.append)


def open_in_browser(url: str, profile: str) -> None:
    """Open a page, and wait until all of it is loaded."""
    names = ("chromium", "chromium-browser", "google-chrome")
    browser = next(filter(None, map(shutil.which, names)), None)
    if browser is None:
        raise SystemExit(f"no browser is installed: looked for {', '.join(names)}")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}", "--dump-dom"]
    subprocess.run([browser, *options, url], check=True, capture_output=True, timeout=60)


def main(path: str = "/") -> int:
    """Serve the application until the events came; returns the exit code of the job."""
    command = "-m pixelmw serve --app pixels_in_ci:app --port 0 --json --expect 3 --timeout 60"
    server = subprocess.Popen(
        [sys.executable, *command.split()], cwd=Path(__file__).parent, stderr=subprocess.PIPE, text=True
    )
    with server, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        try:
            assert server.stderr is not None
            banner = server.stderr.readline()  # it names the address; the events themselves go to standard output
            address = re.search(r"http://[^/]+", banner)
            if address is None:
                raise SystemExit(f"the server did not start: {banner}{server.stderr.read()}")
            open_in_browser(f"{address[0]}{path}", profile)
            sys.stderr.write(server.stderr.read())  # what went wrong, and how many came
            return server.wait()
        finally:
            server.terminate()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
