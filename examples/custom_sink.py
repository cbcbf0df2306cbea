"""A sink of your own, and its unit test: a sink is a callable that takes a dict.

Run the test with ``pytest custom_sink.py``.
"""

import threading
from collections import Counter

from pixelmw import Event, PixelMiddleware


class CountByCampaign:
    """Counts events by campaign; a request is answered 200 once this has returned."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._lock = threading.Lock()  # requests come in on several threads

    def __call__(self, event: Event) -> None:
        campaign = event.get("context", {}).get("campaign", {}).get("name", "none")
        with self._lock:
            self.counts[campaign] += 1


def test_events_are_counted_by_campaign() -> None:
    """No server, no middleware: the sink is just called."""
    sink = CountByCampaign()
    for campaign in ("spring", "spring", "autumn"):
        sink({"type": "track", "event": "Opened", "context": {"campaign": {"name": campaign}}})
    sink({"type": "page"})
    assert sink.counts == {"spring": 2, "autumn": 1, "none": 1}


def test_a_pixel_url_is_counted() -> None:
    """The whole way, from a URL to the sink, still without a server."""
    from werkzeug.test import Client
    from werkzeug.wrappers import Response

    sink = CountByCampaign()
    client = Client(PixelMiddleware(Response("host"), sink))
    url = "/pixel/v1/track?writeKey=k&anonymousId=a&event=Opened&context.campaign.name=spring"
    assert client.get(url).status_code == 200
    assert sink.counts == {"spring": 1}
