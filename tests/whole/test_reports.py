"""What people reported of other collectors, servers and middlewares, tried here; each test names the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from werkzeug.middleware.proxy_fix import ProxyFix

from pixelmw.enrich import anonymize_ip, client_context
from pixelmw.sinks import SQLite
from tests.support.pixel import Pixel, WholeClient

TRACK = "/pixel/v1/track"
USER = "writeKey=k&userId=u&event=e"


def context(pixel: Pixel, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = pixel.collected(TRACK, USER, **options)["context"]
    return found


@pytest.mark.parametrize("forwarded", ["187.65.10.20:61598", "10.0.0.6, 177.139.233.139:17085", "[2001:db8::1]:443"])
def test_azure_writes_ports_into_x_forwarded_for(pixel: Pixel, forwarded: str) -> None:
    """https://github.com/rack/rack/issues/1227, https://github.com/pbojinov/request-ip/issues/29"""
    client = WholeClient(ProxyFix(pixel.middleware, x_for=1))
    client.get(f"{TRACK}?{USER}", headers={"X-Forwarded-For": forwarded})
    assert pixel.events[0]["context"]["ip"] in ("187.65.10.20", "177.139.233.139", "2001:db8::1")


@pytest.mark.parametrize("address", ["", "b''"])
@pytest.mark.parametrize("enrich", [[client_context], [client_context, anonymize_ip]], ids=["plain", "anonymized"])
def test_behind_a_unix_socket_there_is_no_address(address: str, enrich: Any) -> None:
    """https://github.com/benoitc/gunicorn/issues/797, https://github.com/benoitc/gunicorn/issues/1755"""
    assert "ip" not in context(Pixel(enrich=enrich), environ={"REMOTE_ADDR": address})


@pytest.mark.parametrize("path", [TRACK, f"/{TRACK}"])
def test_some_servers_hand_on_two_slashes_and_some_do_not(pixel: Pixel, path: str) -> None:
    """https://github.com/benoitc/gunicorn/issues/1993, https://github.com/pallets/werkzeug/issues/491"""
    pixel.client.get("/", environ_overrides={"PATH_INFO": path, "QUERY_STRING": USER})
    assert len(pixel.events) == 1


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("123.123.123.123", "123.123.123.0"),
        ("::FFFF:123.123.123.123", "123.123.123.0"),
        ("123:123:123:123:123:123:123:123", "123:123:123::"),
        ("2001:db8:85a3:8d3:1319:8a2e:370:7348", "2001:db8:85a3::"),
    ],
)
def test_addresses_within_ipv6_are_made_coarser_too(address: str, kept: str) -> None:
    """https://github.com/nicolaschan/ip-anonymize/issues/2, Open-Web-Analytics/Open-Web-Analytics/issues/736"""
    pixel = Pixel(enrich=[client_context, anonymize_ip])
    assert context(pixel, environ={"REMOTE_ADDR": address})["ip"] == kept


@pytest.mark.parametrize("user_id", ["[object+Object]", "undefined", "", "null"])
def test_a_tracker_without_a_user_sends_its_name_for_nothing(pixel: Pixel, user_id: str) -> None:
    """https://github.com/snowplow/snowplow-javascript-tracker/issues/991, rudderlabs/rudder-sdk-js/issues/201"""
    event = pixel.collected(TRACK, f"writeKey=k&event=e&anonymousId=a&userId={user_id}")
    assert "userId" not in event
    assert pixel.refused(f"writeKey=k&event=e&userId={user_id}").path == "anonymousId"


R18N = (
    "fr-FR,fr;q=0.97,fr-BE;q=0.93,en-US;q=0.9,en;q=0.87,it-IT;q=0.83,it;q=0.8,nl-NL;q=0.77,nl;q=0.73,de-DE;q=0.7,"
    "de;q=0.67,nl-BE;q=0.63,en-GB;q=0.6,de-CH;q=0.57,fr-CH;q=0.53,fr-CA;q=0.5,en-EN;q=0.47,-BE;q=0.43,ru-RU;q=0.4"
)


@pytest.mark.parametrize(
    ("header", "locale"),
    [
        (R18N, "fr-FR"),
        ("q=0.47,-BE", None),
        ("es-ES_tradnl, chrome://global/locale/intl.properties, q=0.5, Croatianq, q=0.01", "es-ES_tradnl"),
        ("chrome://global/locale/intl.properties;q=0.5", None),
        ("en-GB, en-us;q=0,8, en;q=0,6, en_US;q=0,4, *", "en-GB"),
        ("es-419,es;q=0.9,en;q=0.8,es-US;q=0.7", "es-419"),
        ("zh-cn;q=2, en;q=1", "en"),
        ("en,en_US;q=0.9", "en"),
    ],
)
def test_browsers_send_languages_that_are_none(pixel: Pixel, header: str, locale: str | None) -> None:
    """r18n/r18n/pull/134, eclipse-ee4j/jersey/issues/3273, QupZilla/qupzilla/issues/696, koa-modules/locale/issues/5"""
    assert context(pixel, headers={"Accept-Language": header}).get("locale") == locale


@pytest.mark.parametrize("placeholder", ["{{.Tracker}}", "{{.Id}}", "%25recipient.id%25%25", "*|UNIQID|*"])
def test_a_mail_goes_out_with_its_placeholders(tmp_path: Path, placeholder: str) -> None:
    """https://github.com/gophish/gophish/issues/361: every open had one and the same id."""
    with SQLite(tmp_path / "events.db") as store:
        pixel = Pixel(sink=store)
        for visitor in "ab":
            pixel.get(TRACK, f"writeKey=k&event=e&anonymousId={visitor}&messageId={placeholder}")
        told = pixel.middleware.stats()
    # "%recipient.id%%" is no placeholder in full: it is an id, and the repeat is counted.
    assert told == {"accepted": 2, "repeated": int(placeholder.startswith("%25"))}


def test_nul_in_a_parameter_is_no_fault_of_the_database(tmp_path: Path) -> None:
    """https://github.com/philgyford/pepysdiary/issues/603, https://github.com/danbooru/danbooru/issues/2162"""
    with SQLite(tmp_path / "events.db") as store:
        assert Pixel(sink=store).get(TRACK, f"{USER}&properties.q=%00&messageId=%00").status_code == 200


@pytest.mark.parametrize("end", ["&_", "&&_acct=lgdin", "&amp=1", "&"])
def test_amp_joins_parameters_with_what_is_none(pixel: Pixel, end: str) -> None:
    """https://github.com/ampproject/amphtml/issues/3585, https://github.com/ampproject/amphtml/pull/33473"""
    assert pixel.collected(TRACK, f"{USER}&properties.a=1{end}")["properties"] == {"a": "1"}


def test_a_repeated_message_id_is_told_to_somebody(tmp_path: Path) -> None:
    """https://github.com/kurrent-io/KurrentDB/pull/1013: a reused id should at least be logged or counted."""
    with SQLite(tmp_path / "events.db") as store:
        pixel = Pixel(sink=store)
        for user in "ab":
            pixel.get(TRACK, f"writeKey=k&event=e&userId={user}&messageId=m-1")
        assert pixel.middleware.stats()["repeated"] == 1
