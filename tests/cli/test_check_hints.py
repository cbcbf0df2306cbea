"""``check`` gives hints: what is likely a mistake in a URL, whether it is refused or not."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelmw.cli.check.hints import hints_of_parameters, hints_of_url
from pixelmw.cli.check.url import URL, parameters
from tests.support.command_line import run_here

TRACK = "/pixel/v1/track?writeKey=k&userId=42&event=Opened"


def hints(capsys: pytest.CaptureFixture[str], url: str) -> list[tuple[str | None, str, str]]:
    """The hints about a URL: the parameter, the kind and the sentence."""
    said = run_here(capsys, "check", "--json", url)
    return [(hint["parameter"], hint["kind"], hint["message"]) for hint in json.loads(said.out)["hints"]]


# --- placeholders ---


@pytest.mark.parametrize(
    ("placeholder", "who"),
    [
        # The forms of rule 5.
        ("${x}", "AMP"),
        ("{{x}}", "Handlebars"),
        ("{x}", "Salesforce"),
        ("{!Contact.Email}", "Salesforce"),
        ("%%emailaddr%%", "Salesforce Marketing Cloud"),
        ("%%ADDR%%", "Salesforce Marketing Cloud"),  # %AD is an escape
        ("*|EMAIL|*", "Mailchimp"),
        ("*|NAME|fallback|*", "Mailchimp"),
        ("[[x]]", "Iterable"),
        ("[%x%]", "Sizmek"),
        ("%23{x}", "Ruby"),
        ("undefined", "JavaScript"),
        ("null", "JavaScript"),
        ("NaN", "JavaScript"),
        ("None", "Python"),
        ("[object Object]", "JavaScript"),
        # Those of other mail tools.
        ("{{ contact.email }}", "HubSpot"),
        ("{{ person|lookup:'x' }}", "Klaviyo"),
        ("{{${user_id}}}", "Braze"),
        ("{% unsubscribe %}", "Liquid"),
        ("%EMAIL%", "ActiveCampaign"),
        ("%recipient.id%", "Mailgun"),
        ("[name,fallback=there]", "Campaign Monitor"),
        ("$SUBSCRIBER.EMAIL$", "Constant Contact"),
        ("<%25= message.id %25>", "Adobe Campaign"),
        ("{contactfield=email}", "Mautic"),
        ("__CLICKID__", "TikTok"),
        ("%ecid!", "Campaign Manager"),
        ("YOUR_ID", "documentation"),
        # Half of it escaped, or all of it twice.
        ("%7B%7Bemail%7D%7D", "Handlebars"),
        ("*%7CEMAIL%7C*", "Mailchimp"),
        ("%25%25emailaddr%25%25", "Salesforce"),
    ],
)
def test_a_placeholder_that_was_not_filled_in_is_told_with_who_has_such(
    capsys: pytest.CaptureFixture[str], placeholder: str, who: str
) -> None:
    found = [hint for hint in hints(capsys, f"{TRACK}&properties.c={placeholder}") if hint[1] == "placeholder"]
    assert [hint[0] for hint in found] == ["properties.c"]
    assert who in found[0][2]
    assert "stored as it stands" in found[0][2]


@pytest.mark.parametrize("form", ["${x}", "{{x}}", "%%x%%", "*|x|*"])
def test_a_placeholder_within_an_id_makes_it_count_as_absent(capsys: pytest.CaptureFixture[str], form: str) -> None:
    ((parameter, kind, message),) = hints(capsys, f"/pixel/v1/track?writeKey=k&event=e&userId=open-{form}")
    assert (parameter, kind) == ("userId", "placeholder")
    assert "counts as absent" in message


@pytest.mark.parametrize(
    "value",
    ["a", "100%25", "50 % off", "{", "a|b", "[draft] spring", "$5", "a@b.example", '{"a":1}', "C# {}", "None of it"],
)
def test_ordinary_text_is_no_placeholder(capsys: pytest.CaptureFixture[str], value: str) -> None:
    kinds = {kind for _, kind, _ in hints(capsys, f"{TRACK}&properties.c={quote(value, safe='%')}")}
    assert "placeholder" not in kinds


def test_a_write_key_is_never_shown(capsys: pytest.CaptureFixture[str]) -> None:
    for key in ("{{s3cret}}", "a%2520s3cret", "s3cret+a@b", "%s3cret"):
        said = run_here(capsys, "check", f"/pixel/v1/track?writeKey={key}&event=e&userId=1")
        assert "s3cret" not in said.out + said.err
    (hint,) = hints(capsys, "/pixel/v1/track?writeKey=<YOUR_WRITE_KEY>&event=e&userId=1")
    assert hint[2].startswith("writeKey holds a placeholder")


# --- escapes ---


@pytest.mark.parametrize(
    ("query", "parameter", "kind", "words"),
    [
        ("properties.c=Spring%2520Sale", "properties.c", "escaped-twice", 'once, it would be "Spring Sale"'),
        ("properties.u=https%253A%252F%252Fx.example", "properties.u", "escaped-twice", "https://x.example"),
        ("context%252Epage%252Eurl=x", "context…", "escaped-twice", "escape each name and each value alone"),
        ("properties.c=100%", "properties.c", "malformed-escape", "write %25"),
        ("properties.c=%zz", "properties.c", "malformed-escape", "write %25"),
        ("traits.email=john+tag@x.example", "traits.email", "plus", "write %2B"),
        ("properties.c=caf%E9", "properties.c", "not-utf-8", "not UTF-8"),
        ("&amp;properties.c=x", None, "html-escaped", "&amp; stands where & belongs"),
        ("&#38;properties.c=x", None, "html-escaped", "&amp; stands where & belongs"),
        ("properties.c=a#b", None, "fragment", "write %23"),
        ("properties.c=1&properties.c=2", "properties.c", "repeated", "the first one counts"),
        ("context.ip=192.0.2.1", "context.ip", "server-owned", "the server sets context.ip itself"),
        ("type=page", "type", "server-owned", "the server sets type itself"),
        ("properties[price]=5", "properties[price]", "brackets", "properties.price"),
        ("products[0][id]=5", "products[0][id]", "brackets", "products.0.id"),
    ],
)
def test_what_is_spelled_wrong_is_told(
    capsys: pytest.CaptureFixture[str], query: str, parameter: str | None, kind: str, words: str
) -> None:
    found = [hint for hint in hints(capsys, f"{TRACK}&{query}") if hint[1] == kind]
    assert [hint[0] for hint in found] == [parameter]
    assert words in found[0][2]


def test_a_url_within_a_value_may_have_escapes_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert hints(capsys, f"{TRACK}&context.page.url=https%3A%2F%2Fx.example%2Fa%2520b%253Fc") == []


def test_a_url_out_of_a_mail_as_it_was_sent_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    found = hints(capsys, "/pixel/v1/track?writeKey=3Dk&userId=3D42&event=3DOpened")
    assert [kind for _, kind, _ in found] == ["quoted-printable"]
    assert hints(capsys, "/pixel/v1/track?writeKey=k&userId=3D42&event=3DOpened") == []


def test_a_semicolon_separates_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert [kind for _, kind, _ in hints(capsys, "/pixel/v1/page?writeKey=k;userId=1")] == ["separator"]
    assert hints(capsys, f"{TRACK}&properties.c=a;b=c") == []


# --- spelling ---


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("anonymousid", "anonymousId"),
        ("anonymous_id", "anonymousId"),
        ("annonymousId", "anonymousId"),
        ("user_id", "userId"),
        ("userID", "userId"),
        ("write_key", "writeKey"),
        ("messageID", "messageId"),
        ("evnet", "event"),
        ("propertes.plan", "properties.plan"),
        ("context.page.ulr", "context.page.url"),
        ("context.pge.url", "context.page.url"),
        ("context.campaing.name", "context.campaign.name"),
        ("context.user_agent", "context.userAgent"),
        ("context.screen.heigth", "context.screen.height"),
        ("properties.Revenue", "properties.revenue"),
        ("page.url", "context.page.url"),
        ("url", "context.page.url"),
        ("revenue", "properties.revenue"),
        ("userAgent", "context.userAgent"),
        ("utm_source", "context.campaign.source"),
        ("utm_campaign", "context.campaign.name"),
    ],
)
def test_a_misspelt_field_is_told_with_the_nearest(capsys: pytest.CaptureFixture[str], name: str, meant: str) -> None:
    found = hints(capsys, f"{TRACK}&{name}=x")
    assert (name, "misspelt", f"{name} is no known field: is {meant} meant?") in found


@pytest.mark.parametrize(
    "name",
    [
        *("properties.plan", "properties.order_id", "traits.anything", "context.page.url", "context.os.name"),
        *("context.traits.x", "properties.products.0.sku", "category", "integrations.x", "timestamp", "x"),
    ],
)
def test_what_is_known_or_far_from_all_that_is_known_is_no_slip(capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert "misspelt" not in [kind for _, kind, _ in hints(capsys, f"{TRACK}&{name}=x")]


# --- length ---


@pytest.mark.parametrize(("limit", "who"), [(2048, "Outlook"), (4096, "gunicorn"), (8190, "Apache")])
def test_a_url_that_is_too_long_is_told_with_who_refuses_it(
    capsys: pytest.CaptureFixture[str], limit: int, who: str
) -> None:
    front = f"https://pixels.example{TRACK}&properties.c="
    assert not any(who in message for _, _, message in hints(capsys, front + "x" * (limit - len(front))))
    ((_, kind, message),) = hints(capsys, front + "x" * (limit - len(front) + 1))
    assert kind == "too-long"
    assert f"{limit:,}: {who}" in message
    # What is not ASCII takes three characters for each byte once it is sent.
    assert any(who in message for _, _, message in hints(capsys, front + "é" * (limit // 6)))


# --- anything ---


@given(st.text(max_size=300))
def test_hints_about_anything_are_short_sentences_without_control_characters(text: str) -> None:
    url = URL.parse(f"/pixel/v1/track?{text}")
    found = [*hints_of_url(url), *hints_of_parameters(parameters(url.query), lambda path: frozenset())]
    assert all(hint.message.isprintable() and len(hint.message) < 600 for hint in found)
