"""Each key of PIXELMW counts from the first line of override_settings to its last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from django.template import Context, Template
from django.test import Client, override_settings

from pixelmw import Event, Limits
from pixelmw.contrib.django import project
from pixelmw.links import Signer

TRACK = "/pixel/v1/track?writeKey=k&anonymousId=a&event=e"
SIGNER = Signer(["a key for these tests only"])
stored: list[Event] = []


def add_hello(event: Event, request: Any) -> None:
    event["hello"] = "there"


def get(target: str) -> str:
    """What a visitor sees: the status, with the code of a refusal or what was stored."""
    stored.clear()
    answer = Client().get(target)
    kept = sorted({"hello", "source"} & {*stored[0], *stored[0]["context"]}) if stored else []
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    return " ".join(filter(None, [str(answer.status_code), kind, answer.headers.get("X-Pixel-Error"), *kept]))


def tag() -> str:
    """The URL that a tag makes."""
    return str(Template('{% load pixelmw %}{% pixel_url "page" "a" %}').render(Context()))


class Case(NamedTuple):
    """A key with a value, and what shows that it counts.

    :ivar seen: what is to be seen without it, and with it.
    """

    value: Any
    probe: Callable[[], str]
    seen: tuple[str, str]


GOOD = "200 image/gif"
URL = "/pixel/v1/page?name=a"
counted: list[Any] = []
CASES = {
    "SINK": Case(counted.append, lambda: str(len(counted)) if get(TRACK) else "", ("0", "1")),
    "PATHS": Case({"/open.gif": "track"}, lambda: get(TRACK), (GOOD, "200 text/plain")),
    "SCHEMAS": Case({"track": {"required": ["color"]}}, lambda: get(TRACK), (GOOD, "400 image/gif invalid")),
    "WRITE_KEYS": Case({"k": "shop"}, lambda: get(TRACK), (GOOD, "200 image/gif source")),
    "SIGNER": Case(SIGNER, lambda: get(TRACK), (GOOD, "403 image/gif forged")),
    "REPLY": Case("ok", lambda: get(TRACK), (GOOD, "200 text/plain")),
    "ENRICH": Case([add_hello], lambda: get(TRACK), (GOOD, "200 image/gif hello")),
    "ON_REJECT": Case(
        counted.append,
        lambda: str(len(counted)) if get(TRACK.replace("event", "x")) else "",
        ("0", "1"),
    ),
    "LIMITS": Case(Limits(params=2), lambda: get(TRACK), (GOOD, "414 image/gif too-large")),
    "WRITE_KEY": Case("web", tag, (URL, f"{URL}&amp;writeKey=web")),
    "BASE_URL": Case("https://px.example", tag, (URL, f"https://px.example{URL}")),
}


def test_the_table_has_every_key_that_needs_no_other() -> None:
    # UNSIGNED is for a SIGNER, see below. A plan and a live view have tests of their own.
    assert set(project.KEYS) - {"UNSIGNED", "PLAN", "LIVE"} == set(CASES)


@pytest.mark.parametrize("key", CASES)
def test_a_key_counts_within_the_block_and_not_after_it(key: str) -> None:
    case = CASES[key]
    setting = {"SINK": stored.append}
    seen = []
    with override_settings(PIXELMW=setting):
        for changed in (setting, setting | {key: case.value}, setting):
            counted.clear()
            with override_settings(PIXELMW=changed):
                seen.append(case.probe())
    assert seen == [case.seen[0], case.seen[1], case.seen[0]]


def test_unsigned_links_are_for_a_signer_to_allow() -> None:
    for unsigned, expected in (("refuse", "403 image/gif forged"), ("allow", GOOD)):
        with override_settings(PIXELMW={"SINK": stored.append, "SIGNER": SIGNER, "UNSIGNED": unsigned}):
            assert get(TRACK) == expected
