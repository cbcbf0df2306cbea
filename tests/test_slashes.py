"""A path is also ours with a second slash in front, at the cost of one look-up for any other."""

from __future__ import annotations

from typing import Any

import pytest

from pixelmw import PATHS, SEGMENT_PATHS, PixelMiddleware
from tests.support import shells
from tests.support.pixel import Pixel, host_app

shell = shells.shell

QUERY = "writeKey=k&anonymousId=a&event=e"


def answer(pixel: Pixel, path: str) -> tuple[int, str | None]:
    response = pixel.client.get("/", environ_overrides={"PATH_INFO": path, "QUERY_STRING": QUERY})
    return response.status_code, response.mimetype


@pytest.mark.parametrize("path", PATHS)
def test_a_second_slash_in_front_makes_no_difference(shell: type[Pixel], path: str) -> None:
    pixel = shell()
    assert answer(pixel, path) == answer(pixel, f"/{path}") == (200, "image/gif")
    first, second = pixel.events
    of_the_moment = dict.fromkeys(("messageId", "originalTimestamp", "sentAt", "receivedAt"), "")
    assert first | of_the_moment == second | of_the_moment


@pytest.mark.parametrize("path", ["///pixel/v1/page", "//pixel//v1/page", "//pixel/v1/page/", "//", "//pixel/v1/pages"])
def test_nothing_else_is_ours(shell: type[Pixel], path: str) -> None:
    pixel = shell()
    assert answer(pixel, path) == (200, "text/plain")
    assert pixel.events == []


def test_it_holds_for_each_path_that_is_mounted(shell: type[Pixel]) -> None:
    pixel = shell(paths={"/o.gif": "track", "/\u00fc": "page", **SEGMENT_PATHS})
    for path in ("//o.gif", "//\u00c3\u00bc", "//v1/pixel/page"):
        assert answer(pixel, path)[0] == 200
    assert [event["type"] for event in pixel.events] == ["track", "page", "page"]


def test_a_path_that_is_mounted_with_two_slashes_has_the_type_that_was_named(shell: type[Pixel]) -> None:
    pixel = shell(paths={"/a": "page", "//a": "track"})
    for path in ("/a", "//a", "///a"):
        answer(pixel, path)
    assert [event["type"] for event in pixel.events] == ["page", "track", "track"]


def test_any_other_path_costs_one_look_up() -> None:
    looked_up: list[str] = []

    class Counting(dict[str, Any]):
        def get(self, key: str, default: Any = None) -> Any:
            looked_up.append(key)
            return super().get(key, default)

        def __getitem__(self, key: str) -> Any:
            looked_up.append(key)
            return super().__getitem__(key)

    middleware = PixelMiddleware(host_app, print)
    environ = Counting(PATH_INFO="//elsewhere", REQUEST_METHOD="GET")
    list(middleware(environ, lambda *arguments: print))
    assert looked_up == ["PATH_INFO"]
