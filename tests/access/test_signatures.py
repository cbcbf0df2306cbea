"""Who signed a link, for what, and until when: nothing passes but what one of our keys has signed."""

from __future__ import annotations

import logging
from datetime import timedelta
from string import ascii_letters, digits, punctuation
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from pixelmw import Collector, Rejected
from pixelmw.access import SignedLink
from pixelmw.links import Links, Signer
from tests.support.pixel import Pixel

OLD, NEW, FOREIGN = "the key of last year", "the key of this year", "the key of somebody"
SIGNER = Signer([OLD, NEW])
LINKS = Links("https://pixels.example", write_key="newsletter", signer=SIGNER)
FIELDS: dict[str, Any] = {"user_id": "42", "message_id": "open-42-7", "properties": {"campaign": "spring & summer"}}
TRACK = "/pixel/v1/track"


def query(url: str) -> str:
    return urlsplit(url).query


def pixel_at(now: float, signer: Signer = SIGNER, **options: Any) -> Pixel:
    return Pixel(signer=signer, clock=lambda: now, **options)


def made(link: str) -> float:
    """When a link was made, in seconds."""
    signed = SIGNER.verify(query(link).removeprefix("signed="))
    assert signed is not None
    return signed.made / 1000


def test_a_signed_link_gives_the_event_it_was_made_of_with_its_write_key() -> None:
    url = LINKS.track("Email Opened", **FIELDS)
    assert query(url).startswith("signed=1.")
    assert "&" not in query(url)
    event = Pixel(signer=SIGNER, write_keys={"newsletter": "mails"}).collected(TRACK, query(url))
    assert (event["event"], event["userId"], event["messageId"]) == ("Email Opened", "42", "open-42-7")
    assert event["properties"] == {"campaign": "spring & summer"}
    assert event["context"]["source"] == "mails"
    assert "signed" not in event


def test_the_write_key_inside_has_to_be_one_of_ours() -> None:
    refusal = Pixel(signer=SIGNER, write_keys=["another"]).refused(query(LINKS.track("E", **FIELDS)))
    assert (refusal.code, refusal.status) == ("unauthorized", 401)


def test_what_platforms_append_changes_nothing_and_adds_nothing() -> None:
    signed = query(LINKS.track("E", **FIELDS))
    alone = Pixel(signer=SIGNER).collected(TRACK, signed)
    for extra in "utm_source=x&fbclid=y", "properties.campaign=forged&userId=1&writeKey=other&event=F", "signed=1.x.y":
        assert Pixel(signer=SIGNER).collected(TRACK, f"{signed}&{extra}") == alone
    for extra in "utm_source=x&", "userId=1&writeKey=other&", "&&=&":
        assert Pixel(signer=SIGNER).collected(TRACK, f"{extra}{signed}") == alone


def test_a_gateway_that_escapes_a_link_anew_changes_nothing() -> None:
    signed = query(LINKS.track("E", **FIELDS))
    token = signed.removeprefix("signed=")
    alone = Pixel(signer=SIGNER).collected(TRACK, signed)
    for escaped in token.replace(".", "%2E").replace("-", "%2d"), f"%{ord(token[0]):X}{token[1:]}":
        assert Pixel(signer=SIGNER).collected(TRACK, f"signed={escaped}") == alone


def test_a_link_for_one_type_of_event_is_forged_for_another() -> None:
    refusal = Pixel(signer=SIGNER).refused(query(LINKS.page("Home", **FIELDS)))
    assert (refusal.code, refusal.status, refusal.path) == ("forged", 403, "signed")


@pytest.mark.parametrize("unsigned", ["writeKey=k&userId=1&event=e", "", "utm_source=x"])
def test_a_link_that_nobody_signed_is_forged_unless_it_is_allowed(unsigned: str) -> None:
    refusal = Pixel(signer=SIGNER).refused(unsigned)
    assert (refusal.code, refusal.message) == ("forged", "the link is not signed")
    allowing = Pixel(signer=SIGNER, unsigned="allow")
    assert allowing.track("properties.a=1")["properties"] == {"a": "1"}
    assert allowing.collected(TRACK, query(LINKS.track("E", **FIELDS)))["event"] == "E"


@pytest.mark.parametrize(
    "signed",
    [
        *("signed=", "signed", "signed=1", "signed=1..", "signed=..", "signed.x=1.a.b", "signed.0=a", "signed=%00"),
        *("signed=%ff", "signed=\xe9", "signed=" + "9" * 5000),
    ],
)
def test_a_signature_that_is_none_is_forged_also_where_none_is_needed(signed: str) -> None:
    for unsigned in "refuse", "allow":
        refusal = Pixel(signer=SIGNER, unsigned=unsigned).refused(f"{signed}&writeKey=k&userId=1&event=e")
        assert refusal.code == "forged"


def test_without_a_signer_signed_is_a_parameter_like_any_other() -> None:
    assert Pixel().track("signed=x")["signed"] == "x"


def test_a_rotated_key_signs_new_links_while_old_ones_count_until_it_is_retired() -> None:
    def made_with(*keys: str) -> str:
        return query(Links("https://x", write_key="k", signer=Signer(keys)).track("E", user_id="1"))

    def codes(*keys: str) -> list[str]:
        pixel = Pixel(signer=Signer(keys))
        return [pixel.get(TRACK, link).headers.get("X-Pixel-Error", "") for link in links]

    newest = "the key of next year"
    links = [made_with(OLD), made_with(OLD, NEW), made_with(OLD, NEW, newest), made_with(FOREIGN)]
    assert codes(OLD) == ["", "forged", "forged", "forged"]
    assert codes(OLD, NEW) == ["", "", "forged", "forged"]
    assert codes(OLD, NEW, newest) == ["", "", "", "forged"]
    assert codes(NEW, newest) == ["forged", "", "", "forged"]
    assert codes(newest) == ["forged", "forged", "", "forged"]


def test_a_link_counts_until_its_end_and_is_expired_after_it() -> None:
    link = LINKS.track("E", **FIELDS, expires_in=timedelta(days=90))
    end = made(link) + 90 * 86_400
    assert pixel_at(end - 0.01).collected(TRACK, query(link))["event"] == "E"
    refusal = pixel_at(end + 0.01).refused(query(link))
    assert (refusal.code, refusal.status, refusal.path) == ("expired", 410, "signed")
    assert refusal.event is not None
    assert (refusal.event["event"], refusal.event["userId"]) == ("E", "42")


@pytest.mark.parametrize(("max_age", "expires_in", "age"), [(60, 30, 30), (30, 60, 30), (30, None, 30), (None, 30, 30)])
def test_the_earlier_of_max_age_and_expires_in_ends_a_link(
    max_age: float | None, expires_in: float | None, age: float
) -> None:
    link = LINKS.track("E", **FIELDS, expires_in=expires_in)
    signer = Signer([NEW], max_age=max_age)
    pixel_at(made(link) + age - 0.01, signer).collected(TRACK, query(link))
    assert pixel_at(made(link) + age + 0.01, signer).refused(query(link)).code == "expired"


def test_a_link_from_a_clock_that_is_ahead_counts() -> None:
    link = LINKS.track("E", **FIELDS, expires_in=5)
    assert pixel_at(made(link) - 86_400, Signer([NEW], max_age=1)).collected(TRACK, query(link))


def test_expired_and_forged_answer_with_their_status_and_never_with_a_value() -> None:
    link = query(LINKS.track("E", **FIELDS, expires_in=1))
    for reply, status in ("gif", (410, 403)), ("ok", (410, 403)), ("always-gif", (200, 200)):
        pixel = pixel_at(2e9, reply=reply)
        answers = [pixel.get(TRACK, link), pixel.get(TRACK, f"{link}x")]
        assert tuple(answer.status_code for answer in answers) == status
        assert not any(b"spring" in answer.data for answer in answers)
        assert [refusal.code for refusal in pixel.refusals] == ["expired", "forged"]
    assert pixel_at(2e9).request("HEAD", TRACK, link).status_code == 200


def test_neither_a_key_nor_a_signature_reaches_a_log(caplog: pytest.LogCaptureFixture) -> None:
    link = query(LINKS.track("E", **FIELDS, expires_in=1))
    collector = Collector(print, signer=SIGNER, clock=lambda: 2e9)
    with caplog.at_level(logging.DEBUG):
        for text in link, f"{link}x":
            with pytest.raises(Rejected, match="the link"):
                collector.collect("track", {"QUERY_STRING": text, "REQUEST_METHOD": "GET"})
    assert len(caplog.records) == 2
    assert not any(secret in caplog.text for secret in (NEW, OLD, link[20:40], link[-20:], "spring"))


@pytest.mark.parametrize(
    ("keys", "error", "words"),
    [
        ("a single long string", TypeError, "give a list of keys"),
        (b"a single long string", TypeError, "give a list of keys"),
        (None, TypeError, "give a list of keys"),
        ([], ValueError, "empty"),
        ([b"bytes that are long enough"], TypeError, "key 1 is a bytes"),
        ([NEW, "secret"], ValueError, "key 2 has fewer than 16 characters"),
        ([" " * 30], ValueError, "key 1 has fewer"),
        ([NEW, OLD, NEW], ValueError, "key 3 is the same as an earlier one"),
    ],
)
def test_keys_that_protect_nothing_are_refused_without_being_shown(
    keys: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        Signer(keys)
    assert "year" not in str(caught.value)


@pytest.mark.parametrize("age", [0, -1, float("nan"), float("inf"), timedelta(0), timedelta(days=-1)])
def test_a_time_that_is_none_is_refused(age: Any) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        Signer([NEW], max_age=age)
    with pytest.raises(ValueError, match="must be positive"):
        LINKS.track("E", user_id="1", expires_in=age)


def test_wrong_settings_are_refused_at_construction() -> None:
    with pytest.raises(TypeError, match="timedelta"):
        Signer([NEW], max_age="90 days")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="signer"):
        Collector(print, signer="key")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="unsigned"):
        Collector(print, signer=SIGNER, unsigned="ignore")  # type: ignore[arg-type]


ALPHABET = ascii_letters + digits + punctuation + " \t\r\n\0é\u0660"


def altered(signed: str, turn: int = 0, turns: int = 1) -> set[str]:
    """*signed* with each bit flipped, with every other character at each place, cut, and with the usual additions.

    With *turns*, only every so many-th of the other characters stands at a place, and which ones is said by *turn*.
    """
    places = range(len(signed))
    found = {f"{signed[:i]}{char}{signed[i + 1 :]}" for i in places for char in ALPHABET[(turn + i) % turns :: turns]}
    found |= {f"{signed[:i]}{chr(ord(signed[i]) ^ 1 << bit)}{signed[i + 1 :]}" for i in places for bit in range(8)}
    found |= {part for i in places for part in (signed[:i], signed[i + 1 :], signed[:i] + signed[i + 1 :])}
    found |= {signed + tail for tail in ("=", "==", ".", " ", "\n", "A", "é", "%3D", "&", "\0")}
    found |= {head + signed for head in ("=", ".", " ", "1.", "0", "\ufeff")}
    found |= {signed.upper(), signed.lower(), signed.swapcase(), signed.replace(".", "%2E"), signed * 2}
    return found - {signed}


def check_that_no_other_spelling_verifies(number: int, turns: int = 1) -> None:
    signed = SIGNER.sign(SignedLink("track", f"event=E&userId={number}", 1_790_000_000_000 + number, None))
    assert SIGNER.verify(signed) is not None
    assert [text for text in altered(signed, number, turns) if SIGNER.verify(text) is not None] == []


def test_no_other_spelling_of_a_link_passes() -> None:
    check_that_no_other_spelling_verifies(0)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(0, 1000, 250))
def test_no_other_spelling_of_any_of_1000_links_passes(start: int) -> None:
    # Each link with an eighth of the other characters at each place: with all of them, over a hundred links.
    for number in range(start, start + 250):
        check_that_no_other_spelling_verifies(number, 8)


def test_altered_links_are_refused_by_the_collector_without_a_traceback(caplog: pytest.LogCaptureFixture) -> None:
    signed = query(LINKS.track("E", user_id="1")).removeprefix("signed=")
    pixel = Pixel(signer=SIGNER)
    for text in sorted(altered(signed))[::50]:
        assert pixel.refused(f"signed={quote(text, safe='')}").code == "forged"
    assert caplog.records == []
