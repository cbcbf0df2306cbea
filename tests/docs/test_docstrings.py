"""The examples in docstrings, which the pages of the public API show, run and send requests."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from pixelmw import Event, PixelMiddleware, TrackingPlan, delivery, enrich
from pixelmw.links import Links, Signer
from pixelmw.live import LiveView
from pixelmw.sinks.base import close_sink
from pixelmw.sinks.http import HTTP
from pixelmw.sinks.kafka import Kafka
from tests.support.docs_page import NotedMiddleware
from tests.support.http_server import KEY, data_plane
from tests.support.mock_brokers import mock_brokers
from tests.support.pixel import WholeClient, host_app
from tests.support.public_names import documented_names, example_of, look_up

#: tests/delivery/test_metrics.py runs the examples of this one, among several workers; tests/testing those of its room;
#: and those for Django, Flask and ASGI are on the pages of docs/start.
ELSEWHERE = ("pixelmw.delivery.metrics.Metrics", "pixelmw.testing.", "pixelmw.contrib.", "pixelmw.asgi.")


class FlaskApp:
    """What an example takes for a Flask application."""

    wsgi_app = staticmethod(host_app)


EXAMPLES = {
    name: code
    for name in documented_names()
    if not name.startswith(ELSEWHERE) and callable(look_up(name)) and (code := example_of(look_up(name)))
}


def test_the_examples_are_found() -> None:
    assert {"pixelmw.PixelMiddleware", "pixelmw.delivery.Spool", "pixelmw.delivery.Background"} <= EXAMPLES.keys()


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_of_a_docstring_runs_and_sends_a_request(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[PixelMiddleware] = []
    monkeypatch.setattr(NotedMiddleware, "made", made)
    names: dict[str, Any] = {each: getattr(delivery, each) for each in delivery.__all__}
    names |= {"PixelMiddleware": NotedMiddleware, "app": FlaskApp(), "sink": [].append, "Kafka": Kafka, "HTTP": HTTP}
    names |= {each: getattr(enrich, each) for each in enrich.__all__}
    names |= {"Links": Links, "Signer": Signer, "LiveView": LiveView, "TrackingPlan": TrackingPlan}
    names |= {"get_wsgi_application": lambda: host_app, "WRITE_KEY": KEY}
    if "wsgi_app" not in EXAMPLES[name]:
        names["app"] = host_app
    with data_plane() as plane, mock_brokers(1) as brokers:
        code = EXAMPLES[name].replace("https://data-plane.example", plane.url).replace("/var/spool", str(tmp_path))
        exec(compile(code.replace('"..."', repr(brokers.bootstrap_servers)), name, "exec"), names)
        if "url" in names:  # the example builds a link: the request is that one
            parts = urlsplit(names["url"])
            middleware = PixelMiddleware(host_app, list[Event]().append, signer=names.get("signer"))
            assert WholeClient(middleware).get(f"{parts.path}?{parts.query}").headers.get("X-Pixel-Error") is None
        assert made or "url" in names
        for middleware in made:
            response = WholeClient(middleware).get("/pixel/v1/page?writeKey=web&anonymousId=somebody")
            assert response.status_code == 200
            close_sink(middleware.collector.sink)
