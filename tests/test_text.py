"""Text that says nothing: nothing to be seen, a word for no value, or a placeholder that nobody filled in."""

from __future__ import annotations

import time
import unicodedata

import pytest

from pixelmw.text import id_says_nothing, says_nothing, strip_invisible

# What none of the Pythons calls a format character, and what nobody can see all the same.
FILLERS = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u2800\u3164\ufe0f\uffa0\U000e0100"

PLACEHOLDERS = [
    "${x}", "${a.b['c']}", "{{x}}", "{{ contact.id | default: '' }}", "{x}", "{first_name}", "{!Contact.Id}", "{$id}",
    "{pr\u00e9nom}", "%%x%%", "%%email addr%%", "*|UNIQID|*", "*|IF:X|*", "[[x]]", "[[data:id:\"\"]]", "#{x}",
    "#{a b}", "[%x%]", "[% user.id %]", "{{a\nb}}", "${\u540d}",
]  # fmt: skip

# A text about a placeholder, half of one, two of them, or what only looks like one.
NO_PLACEHOLDERS = [
    "{}", "{{}}", "${}", "[[]]", "#{}", "%%%%", "*||*", "[%%]", "%%", "*|", "{{x}", "{x}}", "${x", "$x", "%x%", "[x]",
    "*|x|", "|x|", "<x>", "<%= x %>", "{a b}", "{a-b}", '{"a": 1}', "{a,b}", "{{x}}!", "a {{x}}", "{{x}}{{y}}", "${x}}",
    "[%x%]]", "%%x%%%", " {{x}}", "#x", "#{x", "@x", "x", "{x} ", "$ {x}", "{\u2603}",
]  # fmt: skip

WORDS = ["undefined", "null", "NaN", "None", "[object Object]"]
NO_WORDS = [
    "Undefined", "NULL", "Null", "nan", "none", "nil", "N/A", "n/a", "-", "0", "false", "undefined ", " null", "nulls",
    "[object Array]", "[object object]", "'null'", '"null"', "Infinity", "unknown", "(not set)", "NaN,NaN",
]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["", " ", "\t\r\n", "\0", "\u200b", "\ufeff", "\xad", "\xa0", "\ufffd", "\ufffd \ufffd"]
)
def test_what_nobody_can_see_says_nothing(text: str) -> None:
    assert says_nothing(text)
    assert id_says_nothing(text)


def test_no_control_format_or_space_character_can_be_seen() -> None:
    hidden = [
        char for char in map(chr, range(0x110000)) if unicodedata.category(char) in ("Cc", "Cf", "Zs", "Zl", "Zp")
    ]
    assert len(hidden) > 200
    assert not [
        char for char in (*hidden, *FILLERS) if not says_nothing(char) or strip_invisible(f"{char}a{char}") != "a"
    ]


def test_letters_digits_marks_and_symbols_can_be_seen() -> None:
    seen = [char for char in map(chr, range(0x3000)) if unicodedata.category(char)[0] in "LNPS"]
    assert len(seen) > 5000
    assert {char for char in seen if says_nothing(char)} == set("\u115f\u1160\u2800")


@pytest.mark.parametrize("text", WORDS)
def test_a_word_for_no_value_says_nothing(text: str) -> None:
    assert says_nothing(text)
    assert id_says_nothing(text)


@pytest.mark.parametrize("text", NO_WORDS)
def test_only_these_words_say_nothing(text: str) -> None:
    assert not says_nothing(text)
    assert not id_says_nothing(text)


@pytest.mark.parametrize("text", PLACEHOLDERS)
def test_a_placeholder_says_nothing(text: str) -> None:
    assert says_nothing(text)
    assert id_says_nothing(text)


@pytest.mark.parametrize("text", NO_PLACEHOLDERS)
def test_what_is_not_one_whole_placeholder_says_something(text: str) -> None:
    assert not says_nothing(text)


@pytest.mark.parametrize(
    "text", ["open-{{campaign}}", "{{a}}{{b}}", "m-*|UNIQID|*-1", "a%%b%%", "x${y}", "{{{x}}}", "a*|b|*"]
)
def test_an_id_with_a_placeholder_in_it_says_nothing(text: str) -> None:
    assert id_says_nothing(text)
    assert not says_nothing(text)


@pytest.mark.parametrize(
    "text", ["a{b}", "a[[b]]", "a#{b}", "a[%b%]", "a}}b{{c", "a|*b*|", "50%%", "a${b", "$a}", "{{a}", "a{{}}", "a${}"]
)
def test_an_id_with_a_part_of_a_placeholder_says_something(text: str) -> None:
    assert not id_says_nothing(text)


@pytest.mark.parametrize(
    ("text", "stripped"),
    [
        (" \t42\0\x7f ", "42"),
        ("\u200b\ufeff42\u2060\u3164", "42"),
        ("\ufffdric", "\ufffdric"),
        (" \ufffd ", "\ufffd"),
        ("a\u200bb", "a\u200bb"),
        ("\u200d", ""),
        ("", ""),
        (" \u00e9 ", "\u00e9"),
    ],
)
def test_ids_lose_what_nobody_can_see_at_either_end(text: str, stripped: str) -> None:
    assert strip_invisible(text) == stripped


@pytest.mark.parametrize("part", ["{{", "${", "*|", "%", "{", "[%", "\u200b", "}}", "a*|", "{{}}"])
def test_no_text_takes_long_to_say_nothing(part: str) -> None:
    def seconds(size: int) -> float:
        text = part * (size // len(part))
        began = time.process_time()
        says_nothing(text)
        id_says_nothing(text)
        strip_invisible(text)
        return time.process_time() - began

    # A search that starts anew at each mark takes a hundred times as long for a text that is ten times as long.
    assert min(seconds(1_000_000) for _ in range(3)) < 40 * max(min(seconds(100_000) for _ in range(3)), 0.0005)
