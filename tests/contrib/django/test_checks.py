"""The system checks: each says what is wrong before a visitor does, and is silent where nothing is."""

# Django comes without types.
# mypy: disallow-subclassing-any=False

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.conf.urls.i18n import i18n_patterns
from django.core import checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.middleware.security import SecurityMiddleware
from django.test import Client, override_settings
from django.urls import path
from werkzeug.middleware.proxy_fix import ProxyFix

from pixelmw import Event, PixelMiddleware
from pixelmw.contrib.django import PixelMiddleware as DjangoPixelMiddleware
from pixelmw.contrib.django import wsgi_module
from pixelmw.live import LiveView
from pixelmw.replies import GIF
from tests.support import django_site
from tests.support.pixel import host_app
from tests.support.servers import running, send

OURS = django_site.MIDDLEWARE
SECURITY = "django.middleware.security.SecurityMiddleware"
COMMON = "django.middleware.common.CommonMiddleware"
DEFAULTS = [
    SECURITY,
    "django.contrib.sessions.middleware.SessionMiddleware",
    COMMON,
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
SETTING = {"SINK": print}
TRACK = "/pixel/v1/track?writeKey=k&anonymousId=a&event=e"


def found(**settings: Any) -> dict[str, str]:
    """What the checks say: the id, and message and hint."""
    with override_settings(**settings):
        messages = checks.run_checks(tags=["pixelmw"])
    return {str(message.id).removeprefix("pixelmw."): f"{message.msg} {message.hint}" for message in messages}


class Below(DjangoPixelMiddleware):
    """A subclass of a project's own."""


@pytest.mark.parametrize("middleware", [[OURS, *DEFAULTS], [*DEFAULTS, OURS], [f"{__name__}.Below"]])
def test_nothing_is_said_where_nothing_is_wrong(middleware: list[str]) -> None:
    assert found(MIDDLEWARE=middleware, PIXELMW=SETTING) == {}


def test_a_project_that_uses_only_the_model_is_left_alone() -> None:
    with override_settings(MIDDLEWARE=DEFAULTS):
        del settings.PIXELMW
        assert checks.run_checks(tags=["pixelmw"]) == []


@pytest.mark.parametrize(
    ("setting", "id_", "told"),
    [
        pytest.param({**SETTING, "WRITEKEYS": 1}, "E001", "Did you mean 'WRITE_KEYS'?", id="misspelt"),
        pytest.param({}, "E002", "has no SINK", id="no sink"),
        pytest.param({"SINK": "nowhere.sink"}, "E002", "'nowhere.sink'", id="a sink that is nowhere"),
        pytest.param({"SINK": "pixelmw.sinks.SQLite"}, "E002", "cannot be made", id="a class with arguments"),
        pytest.param({**SETTING, "ENRICH": ["nowhere.x"]}, "E004", "ENRICH", id="an enricher that is nowhere"),
        pytest.param({**SETTING, "REPLY": "png"}, "E004", "reply is 'png'", id="an unknown reply"),
        pytest.param("sink", "E004", "give a dict", id="no dict"),
    ],
)
def test_what_is_wrong_with_the_setting(setting: Any, id_: str, told: str) -> None:
    assert told in found(PIXELMW=setting)[id_]


def test_all_mistakes_are_said_at_once() -> None:
    assert set(found(PIXELMW={"SINKK": 1, "ENRICH": ["nowhere.x"]})) == {"E001", "E002", "E004"}


def test_the_middleware_for_wsgi_in_middleware_is_an_error() -> None:
    assert f"take {OURS}" in found(MIDDLEWARE=["pixelmw.PixelMiddleware"], PIXELMW=SETTING)["E005"]


def test_the_live_view_outside_debug_is_warned_of() -> None:
    assert "DEBUG is off" in found(PIXELMW={**SETTING, "LIVE": LiveView()})["W002"]
    assert "W002" not in found(PIXELMW={**SETTING, "LIVE": LiveView()}, DEBUG=True)


class OwnSecurity(SecurityMiddleware):
    """A subclass of a project's own, of Django's."""


INTERFERING: list[Any] = [
    pytest.param(SECURITY, {"SECURE_SSL_REDIRECT": True}, {}, 301, id="https"),
    pytest.param(COMMON, {"PREPEND_WWW": True}, {}, 301, id="www"),
    pytest.param(
        COMMON, {"DISALLOWED_USER_AGENTS": [__import__("re").compile("curl")]}, {"user-agent": "curl"}, 403, id="agent"
    ),
    pytest.param(f"{__name__}.OwnSecurity", {"SECURE_SSL_REDIRECT": True}, {}, 301, id="a subclass"),
    pytest.param(
        COMMON,
        {"ALLOWED_HOSTS": ["shop.example"], "PIXELMW": {**SETTING, "BASE_URL": "https://px.example:8443/p"}},
        {"host": "px.example:8443"},
        400,
        id="host",
    ),
]


@pytest.mark.parametrize(("above", "settings", "headers", "status"), INTERFERING)
def test_what_stands_above_and_interferes_is_named(
    above: str, settings: dict[str, Any], headers: dict[str, str], status: int
) -> None:
    """It is also shown that it does interfere, and that it does not from below."""
    settings = {"PIXELMW": {"SINK": [].append}, **settings}
    for middleware, expected in (([above, OURS], status), ([OURS, above], 200)):
        with override_settings(MIDDLEWARE=middleware, **settings):
            assert Client(headers=headers).get(TRACK).status_code == expected
        warned = found(MIDDLEWARE=middleware, **settings)
        assert set(warned) == ({"W001"} if expected == status else set())
        assert above in warned.get("W001", above)


LOCALE = "django.middleware.locale.LocaleMiddleware"
CACHE = ["django.middleware.cache.UpdateCacheMiddleware", "django.middleware.cache.FetchFromCacheMiddleware"]
LOGIN = "django.contrib.auth.middleware.LoginRequiredMiddleware"
ETAG, ZIP = "django.middleware.http.ConditionalGetMiddleware", "django.middleware.gzip.GZipMiddleware"
SLUGS = path("<path:slug>/", django_site.plain)


@pytest.mark.parametrize("patterns", [[SLUGS], i18n_patterns(SLUGS)], ids=["slashes", "languages"])
def test_what_stands_above_and_does_not_interfere_is_not_warned_of(patterns: list[Any]) -> None:
    """Django appends slashes and languages to what is not found, which a pixel never is; and nothing keeps a pixel."""
    events: list[Event] = []
    middleware = [CACHE[0], ZIP, ETAG, *DEFAULTS, LOGIN, LOCALE, CACHE[1], OURS]
    settings = {"MIDDLEWARE": middleware, "PIXELMW": {"SINK": events.append}, "ROOT_URLCONF": tuple(patterns)}
    with override_settings(**settings):
        answers = [Client(headers={"accept-encoding": "gzip"}).get(TRACK) for _ in range(2)]
    for answer in answers:
        assert (answer.status_code, answer.content) == (200, GIF)
        assert not {"ETag", "Expires", "Set-Cookie", "Content-Encoding"} & set(answer.headers)
    assert len(events) == 2
    assert found(**settings) == {}


def test_a_path_that_is_exempt_from_the_redirect_is_not_warned_of() -> None:
    settings = {"SECURE_SSL_REDIRECT": True, "SECURE_REDIRECT_EXEMPT": ["^pixel/"], "PIXELMW": SETTING}
    assert found(MIDDLEWARE=[SECURITY, OURS], **settings) == {}
    settings["PIXELMW"] = {**SETTING, "PATHS": {"/open.gif": "track"}}
    assert set(found(MIDDLEWARE=[SECURITY, OURS], **settings)) == {"W001"}


def test_what_others_say_is_wrong_does_not_stop_a_check() -> None:
    """Middleware that is nowhere, and paths that are none, beside what a check looks at."""
    settings = {"SECURE_SSL_REDIRECT": True, "PIXELMW": {**SETTING, "PATHS": "nowhere.paths"}}
    assert set(found(MIDDLEWARE=["nowhere.Middleware", SECURITY, OURS], **settings)) == {"E004", "W001"}


events: list[Event] = []
application = ProxyFix(PixelMiddleware(host_app, events.append))
plain = host_app


def test_the_middleware_in_wsgi_py_answers_first_and_is_warned_of() -> None:
    assert "answers first" in found(WSGI_APPLICATION=f"{__name__}.application", PIXELMW=SETTING)["W003"]
    assert found(WSGI_APPLICATION=f"{__name__}.plain", PIXELMW=SETTING) == {}
    assert found(WSGI_APPLICATION=f"{__name__}.application", MIDDLEWARE=DEFAULTS, PIXELMW=SETTING) == {}


def test_a_sink_without_a_middleware_is_warned_of() -> None:
    assert f"Put '{OURS}' first" in found(MIDDLEWARE=DEFAULTS, PIXELMW=SETTING)["W004"]


WRAPPED = [
    "from pixelmw import PixelMiddleware\napplication = PixelMiddleware(get(), print)",
    "from pixelmw import PixelMiddleware as Pixels\napplication = ProxyFix(Pixels(get(), print))",
    "import pixelmw\napplication = pixelmw.PixelMiddleware.around(get(), c)",
]
NOT_WRAPPED = [
    "application = get()",
    "from pixelmw import PixelMiddleware\napplication = get()",
    "from mine import PixelMiddleware\napplication = PixelMiddleware(get())",
    "not Python",
]


@pytest.mark.parametrize("source", [*WRAPPED, *NOT_WRAPPED])
def test_a_wsgi_py_that_is_not_imported_is_read_and_not_run(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wsgi_of_a_test.py").write_text(f"raise SystemExit\n{source}")
    monkeypatch.syspath_prepend(tmp_path)
    assert wsgi_module.wraps_pixels("wsgi_of_a_test.application") == (source in WRAPPED)
    assert "wsgi_of_a_test" not in sys.modules
    assert not wsgi_module.wraps_pixels(None)
    assert not wsgi_module.wraps_pixels("nowhere.at_all.application")


def test_manage_py_check_fails_on_an_error() -> None:
    with override_settings(PIXELMW={}), pytest.raises(SystemCheckError, match=r"pixelmw\.E002"):
        call_command("check", "--tag=pixelmw")


@pytest.mark.slow
def test_a_server_without_threads_is_named(tmp_path: Path) -> None:
    """uWSGI runs none unless it is told to. What the check says there is the body of the answer."""
    # As uWSGI before 2.0.27 where it is not told --enable-threads.
    without = {"PIXELMW_TEST_HAS_THREADS": "0"}
    with running("uwsgi", "tests.support.django_checks_app:application", tmp_path, **without) as port:
        answer = send(port, "GET", "/")
    assert b"pixelmw.E003" in answer.body
    assert b"--enable-threads" in answer.body
    with running("uwsgi-threads", "tests.support.django_checks_app:application", tmp_path) as port:
        assert send(port, "GET", "/").body == b"[]"
