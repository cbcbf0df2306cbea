"""The arguments of LiveView, and of the middleware that has one."""

from __future__ import annotations

from typing import Any

import pytest

from pixelmw import Collector, PixelMiddleware
from pixelmw.live import LiveView
from tests.support.live_site import HERE
from tests.support.pixel import WholeClient, host_app


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"path": None}, TypeError, "path is None"),
        ({"path": "live"}, ValueError, "path is 'live': it must begin with a slash"),
        ({"path": "/"}, ValueError, "not end with one, such as '/_pixelmw'"),
        ({"path": "/live/"}, ValueError, "path is '/live/'"),
        ({"path": "/li\nve"}, ValueError, "path is"),
        ({"limit": 0}, ValueError, "limit is 0: keep at least one event"),
        ({"limit": True}, TypeError, "limit is True: give a whole number"),
        ({"limit": "10"}, TypeError, "limit is '10'"),
        ({"hosts": "localhost"}, TypeError, "hosts is 'localhost': give a list of names"),
        ({"hosts": 7}, TypeError, "hosts is 7"),
        ({"hosts": [7]}, TypeError, "hosts has 7"),
        ({"hosts": ["*"]}, ValueError, r"hosts has '\*': give the name or the address alone"),
        ({"hosts": ["localhost:8000"]}, ValueError, "hosts has 'localhost:8000'"),
        ({"hosts": ["http://localhost"]}, ValueError, "hosts has 'http://localhost'"),
        ({"hosts": [""]}, ValueError, "hosts has ''"),
        ({"token": 7}, TypeError, "token is a int: give a string"),
        ({"token": ""}, ValueError, "token cannot stand in the header Authorization: make one with"),
        ({"token": "two words"}, ValueError, "secrets.token_urlsafe"),
        ({"token": "\xfc"}, ValueError, "secrets.token_urlsafe"),
    ],
    ids=str,
)
def test_a_mistake_is_an_error_at_construction(options: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        LiveView(**options)


@pytest.mark.parametrize("live", [True, "live", LiveView, object()], ids=["true", "text", "class", "object"])
def test_the_middleware_takes_nothing_else(live: Any) -> None:
    with pytest.raises(TypeError, match=r"live"):
        PixelMiddleware(host_app, print, live=live)


@pytest.mark.parametrize("path", ["/_pixelmw", "/_pixelmw/all"])
def test_a_path_is_a_pixels_or_the_views(path: str) -> None:
    with pytest.raises(ValueError, match=f"'{path}' is the path of a pixel: give it another path"):
        PixelMiddleware(host_app, print, paths={path: "track"}, live=LiveView())


def test_its_paths_are_below_the_one_that_is_given_as_a_server_spells_them() -> None:
    live = LiveView("/é")
    assert live.paths[0] == "/Ã©"
    client = WholeClient(PixelMiddleware(host_app, print, live=live))
    assert client.get("/é/all", environ_overrides=HERE).json == {"total": 0, "good": 0, "bad": 0}


def test_a_middleware_around_a_collector_has_it_too() -> None:
    live = LiveView()
    middleware = PixelMiddleware.around(host_app, Collector(lambda event: None, write_keys="optional"), live=live)
    client = WholeClient(middleware)
    client.get("/pixel/v1/track", query_string="userId=1&event=a")
    assert client.get("/_pixelmw/all", environ_overrides=HERE).json == {"total": 1, "good": 1, "bad": 0}


def test_two_middlewares_may_share_one() -> None:
    live = LiveView()
    inner = PixelMiddleware(host_app, lambda event: None, paths={"/a": "track"}, write_keys="optional", live=live)
    client = WholeClient(PixelMiddleware(inner, lambda event: None, write_keys="optional", live=live))
    for path in ("/a", "/pixel/v1/track"):
        client.get(path, query_string="userId=1&event=a")
    assert client.get("/_pixelmw/all", environ_overrides=HERE).json == {"total": 2, "good": 2, "bad": 0}


def test_it_works_where_the_application_is_mounted() -> None:
    client = WholeClient(PixelMiddleware(host_app, print, live=LiveView()))
    answer = client.get("/_pixelmw/all", environ_overrides=HERE | {"SCRIPT_NAME": "/shop"})
    assert answer.json == {"total": 0, "good": 0, "bad": 0}
