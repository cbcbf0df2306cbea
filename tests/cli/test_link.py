"""``python -m pixelmw link``: prints a link, or its tag, or says what is wrong."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pixelmw.cli.main import main
from pixelmw.links import Signer
from tests.support.pixel import Pixel

BASE = ["link", "--base", "https://pixels.example"]
OPENED = [*BASE, "--type", "track", "--event", "Email Opened", "--user", "42"]
KEYS = ["# rotated in spring", "the key of last year", "", "the key of this year"]


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(arguments) == 0
    line, end = capsys.readouterr().out.split("\n")
    assert end == ""
    return line


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code in (1, 2)
    return capsys.readouterr().err


def test_a_link_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    properties = ("--property", "a.b=c=d", "--property", "items.0=x y", "--context", "campaign.name=é")
    url = printed(capsys, *OPENED, "--write-key", "k", *properties)
    event = Pixel().collected("/pixel/v1/track", urlsplit(url).query)
    assert (event["event"], event["userId"], event["context"]["campaign"]) == ("Email Opened", "42", {"name": "é"})
    assert event["properties"] == {"a": {"b": "c=d"}, "items": ["x y"]}


def test_a_tag_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    tag = printed(capsys, *OPENED, "--img")
    assert tag.startswith('<img src="https://pixels.example/pixel/v1/track?event=Email%20Opened&amp;userId=42" alt=""')


def test_a_link_is_signed_with_the_last_key_of_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("\n".join(KEYS))
    url = printed(capsys, *OPENED, "--write-key", "k", "--keys-file", str(keys), "--expires-in", "90d")
    link = Signer([KEYS[-1]]).verify(urlsplit(url).query.removeprefix("signed="))
    assert link is not None
    assert link.ends == link.made + 90 * 86_400_000
    assert Pixel(signer=Signer([KEYS[-1]]), clock=lambda: link.made / 1000).collected(
        "/pixel/v1/track", urlsplit(url).query
    )


def test_a_path_of_ones_own_makes_any_type_possible(capsys: pytest.CaptureFixture[str]) -> None:
    url = printed(capsys, *BASE, "--type", "identify", "--path", "/id", "--user", "42", "--trait", "plan=pro")
    assert url == "https://pixels.example/id?userId=42&traits.plan=pro"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["link"], "--base"),
        ([*BASE, "--type", "identify", "--user", "1"], "give --path"),
        ([*OPENED, "--property", "no-value"], "--property 'no-value': write NAME=VALUE"),
        ([*OPENED, "--property", "=x"], "write NAME=VALUE"),
        ([*OPENED, "--property", "a=1", "--property", "a.b=2"], "a has a value, and so has a.b"),
        ([*OPENED, "--expires-in", "90d"], "expires_in needs a signer"),
        ([*OPENED, "--keys-file", "missing"], "missing"),
        ([*OPENED, "--expires-in", "soon"], "--expires-in 'soon'"),
        (["link", "--base", "pixels.example", "--event", "E"], "https://pixels.example"),
    ],
)
def test_a_mistake_is_named_without_a_traceback(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    said = refused(capsys, *arguments)
    assert words in said
    assert "Traceback" not in said


def test_a_short_key_is_refused_and_not_shown(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("hunter2\n")
    said = refused(capsys, *OPENED, "--keys-file", str(tmp_path / "keys"))
    assert "key 1 has fewer than 16 characters" in said
    assert "hunter2" not in said
