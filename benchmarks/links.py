"""What links cost: to make one, and to collect a signed one beside the same link unsigned.

Run it with ``python benchmarks/links.py``. All contenders take turns in one
run; a figure is the median over the turns, its spread the middle half of them.
"""

from __future__ import annotations

import argparse
from typing import Any
from urllib.parse import urlsplit

import contenders
import traffic
from compare import Contender, answer, measure, report

from pixelmw import Event
from pixelmw.links import Links, Signer

#: An open as a campaign counts it: six parameters.
OPEN: dict[str, Any] = {
    "event": "Email Opened",
    "userId": "42",
    "messageId": "open-spring-2026-42",
    "properties": {"campaign": "spring & summer", "list": "customers"},
}
#: An AMP page view, as the other benchmarks have it.
PAGE: Event = {
    "anonymousId": "amp-Hf3kQ9vXr7LmNpT4wZ8sYb",
    "context": {
        "library": {"name": "Rudderstack AMP SDK", "version": "1.0.0"},
        "locale": "en-GB",
        "page": {"url": "https://www.example.com/news/2026/11/a-small-pixel.html", "title": "A small pixel in detail"},
        "screen": {"width": 412, "height": 915},
    },
    "properties": {"path": "/news/2026/11/a-small-pixel.html", "referrer": "https://www.example.org/"},
}


def cases() -> dict[str, dict[str, Contender]]:
    """What is compared: case -> contender -> application and request."""
    signer = Signer(["a key of last year", "a key of this year"])
    ours = contenders.ours()
    signing = contenders.PixelMiddleware(ours, contenders.sink, signer=signer)
    plain, signed = (Links("https://pixels.example", write_key="newsletter", signer=key) for key in (None, signer))
    found: dict[str, dict[str, Contender]] = {}
    for event_type, event in ("track", OPEN), ("page", PAGE):
        # Both requests are made here: a signed link counts from when it is made.
        of_plain, of_signed = (urlsplit(links.url(event_type, event)) for links in (plain, signed))
        found[f"accepted {event_type} event"] = {
            "unsigned": (ours, traffic.environ(of_plain.query, of_plain.path)),
            "signed": (signing, traffic.environ(of_signed.query, of_signed.path)),
        }
        found[f"a link of a {event_type} event is made"] = {
            "unsigned": (_maker(plain, event_type, event), {}),
            "signed": (_maker(signed, event_type, event), {}),
        }
    return found


def _maker(links: Links, event_type: str, event: Event) -> contenders.Application:
    """An application in shape only, so that the making of a link is measured as a request is."""

    def make(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        links.url(event_type, event)
        start_response("200 OK", [])
        return []

    return make


def main() -> None:
    """Compare, and print what came out."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=101, help="turns of each contender (default: 101)")
    options = parser.parse_args()
    for case, contestants in cases().items():
        assert {answer(*contender)[0] for contender in contestants.values()} == {"200"}
        report(case, measure(contestants, options.rounds), "unsigned")


if __name__ == "__main__":
    main()
