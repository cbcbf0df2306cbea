"""The template tags: what they build is a pixel that the middleware collects as it was meant."""

# Django comes without types.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.template import Context, Template
from django.test import Client, override_settings
from django.urls import set_script_prefix
from django.utils.translation import gettext_lazy

from pixelmw import Event
from pixelmw.links import Signer

SIGNER = Signer(["the key of the tests"])


def rendered(template: str, **context: Any) -> str:
    return str(Template("{% load pixelmw %}" + template).render(Context(context)))


def collected(url: str, **setting: Any) -> Event:
    """The event that the middleware makes of *url*."""
    events: list[Event] = []
    with override_settings(PIXELMW={"SINK": events.append, **setting}):
        assert Client().get(url).status_code == 200
    return events[0]


@override_settings(PIXELMW={"WRITE_KEY": "mails"})
def test_the_tag_is_an_image_whose_url_is_the_event() -> None:
    tag = rendered(
        '{% pixel "track" event="Opened & <read>" user_id=7 properties=props %}', props={"a.b": 'é"', "n": [1, 2]}
    )
    found = re.fullmatch(r'<img src="(/pixel/v1/track\?[^"]+)" alt="" width="1" height="1" [^>]*>', tag)
    assert found
    event = collected(unescape(found[1]))
    assert (event["event"], event["userId"]) == ("Opened & <read>", "7")
    assert event["properties"] == {"a.b": 'é"', "n": ["1", "2"]}


@override_settings(PIXELMW={"WRITE_KEY": "mails"})
def test_what_a_model_has_for_ids_prices_and_labels_is_text() -> None:
    user, price, label = UUID(int=5), Decimal("1.50"), gettext_lazy("Yes")
    props = {"price": price, "items": [{"id": user, "label": label}], "at": datetime(2026, 1, 2, tzinfo=UTC)}
    url = rendered('{% pixel_url "track" event=label user_id=user properties=props as url %}{{ url|safe }}', **locals())
    event = collected(url)
    assert (event["event"], event["userId"]) == ("Yes", str(user))
    assert event["properties"]["price"] == "1.50"
    assert event["properties"]["items"] == [{"id": str(user), "label": "Yes"}]
    assert event["properties"]["at"] == "2026-01-02T00:00:00.000Z"


@override_settings(PIXELMW={"WRITE_KEY": "mails", "BASE_URL": "https://px.example"})
def test_with_a_base_url_it_is_absolute() -> None:
    assert rendered('{% pixel "page" name="Home" %}').startswith('<img src="https://px.example/pixel/v1/page?name=Home')
    assert rendered('{% pixel_url "page" name="Home" as url %}{{ url|length }}') == "57"


@override_settings(PIXELMW={"WRITE_KEY": "mails"})
def test_the_url_is_escaped_in_html_and_plain_where_escaping_is_off() -> None:
    assert "&amp;writeKey=mails" in rendered('{% pixel_url "page" name="Home" %}')
    assert "&writeKey=mails" in rendered('{% autoescape off %}{% pixel_url "page" name="Home" %}{% endautoescape %}')


@override_settings(PIXELMW={"WRITE_KEY": "mails"})
def test_a_relative_url_begins_where_the_project_is_mounted() -> None:
    set_script_prefix('/büro"/')
    try:
        assert rendered('{% pixel_url "page" %}').startswith("/b%C3%BCro%22/pixel/v1/page?")
        assert '<img src="/b%C3%BCro%22/pixel/v1/page?' in rendered('{% pixel "page" %}')
    finally:
        set_script_prefix("/")


@override_settings(PIXELMW={"WRITE_KEY": "mails", "SIGNER": SIGNER, "PATHS": {"/open.gif": "track"}})
def test_signer_and_paths_are_those_of_the_setting() -> None:
    url = rendered('{% pixel_url "track" event="Opened" user_id="u" %}')
    assert url.startswith("/open.gif?signed=")
    assert collected(url, SIGNER=SIGNER, PATHS={"/open.gif": "track"})["event"] == "Opened"


@override_settings(PIXELMW={"WRITE_KEY": "mails"})
def test_translations_and_what_is_absent_may_be_given() -> None:
    url = rendered('{% pixel_url "track" event=name user_id=nobody anonymous_id="a" %}', name=gettext_lazy("Opened"))
    assert collected(unescape(url))["event"] == "Opened"
    assert "userId" not in url


@override_settings(PIXELMW={"WRITE_KEY": "mails", "PATHS": {"/i": "identify"}})
def test_the_arguments_may_stand_without_names() -> None:
    url = rendered('{% pixel_url "identify" user traits %}', user="u", traits={"plan": "free"})
    event = collected(unescape(url), PATHS={"/i": "identify"})
    assert (event["userId"], event["traits"]) == ("u", {"plan": "free"})


@override_settings(PIXELMW={"WRITE_KEY": "mails"})
@pytest.mark.parametrize(
    ("tag", "told"),
    [
        ('{% pixel_url "url" %}', "'url' is no event type; known are page"),
        ('{% pixel "opened" %}', "page"),
        ('{% pixel_url "group" "g" %}', "no path is mounted"),
    ],
)
def test_a_mistake_in_a_tag_is_told(tag: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        rendered(tag)


@pytest.mark.parametrize("setting", [{"BASE_URL": "px.example"}, {"WRITE_KEY": " "}, {"SIGNER": "nowhere.signer"}])
def test_a_mistake_in_the_setting_is_told(setting: dict[str, Any]) -> None:
    with override_settings(PIXELMW=setting), pytest.raises(ImproperlyConfigured, match="PIXELMW cannot work"):
        rendered('{% pixel "page" %}')
