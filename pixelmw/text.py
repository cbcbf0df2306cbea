"""Text: decodes the bytes of a request, finds what says nothing, and makes text safe for messages and logs."""

from __future__ import annotations

import json
import re
import string
from typing import Any

# Characters that cannot be seen: the categories Cc, Cf, Zs, Zl and Zp of Unicode 15.1, the code points that its
# DerivedCoreProperties call Default_Ignorable, and the fillers U+2800, U+13441, U+13442, U+16FE4 and U+1D159. It is a
# fixed table, since unicodedata differs between Pythons, and the same request must make the same event.
_INVISIBLE = (
    r"\0- \x7f-\xa0\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u1680\u17b4\u17b5"
    r"\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    r"\U000110bd\U000110cd\U00013430-\U0001343f\U00013441\U00013442\U00016fe4\U0001bca0-\U0001bca3\U0001d159"
    r"\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_ANYTHING_VISIBLE = re.compile(f"[^{_INVISIBLE}]")
_ANYTHING_LEGIBLE = re.compile(f"[^{_INVISIBLE}\ufffd]")
_INVISIBLE_ASCII = "".join(map(chr, (*range(33), 127)))
_VISIBLE_ASCII = frozenset(string.ascii_letters + string.digits + string.punctuation)

# JavaScript, JSON and Python write these where there is no value.
_WORDS_FOR_NOTHING = frozenset(["undefined", "null", "NaN", "None", "[object Object]"])

# Placeholders as the tools for templates and mails write them, by the marks that open and close them.
_PLACEHOLDERS = (("${", "}"), ("{{", "}}"), ("%%", "%%"), ("*|", "|*"), ("[[", "]]"), ("#{", "}"), ("[%", "%]"))
# These stand for nothing in an id even within other text. No id is known that holds them for itself.
_PLACEHOLDERS_IN_IDS = (("{{", "}}"), ("*|", "|*"), ("%%", "%%"), ("${", "}"))
# {x} is also how JSON and prose look, so only a name counts in it. The letters beyond ASCII are those of XML 1.0
# (NameStartChar) up to U+D7FF, a fixed table too.
_BRACED_NAME = re.compile(
    r"\{[A-Za-z0-9_$!.\xc0-\xd6\xd8-\xf6\xf8-\u02ff\u0370-\u037d\u037f-\u1fff"
    r"\u2070-\u218f\u2c00-\u2fef\u3001-\ud7ff]+\}"
)
# A text that begins with one of these is visible, and no placeholder. Nearly every text does.
_PLAIN_BEGINNINGS = _VISIBLE_ASCII.difference("${%*[#")

#: What is read of a header, in characters, unless the user's limits say otherwise. URLs are shorter in practice, and
#: an event with a few of these still fits into the 32 KB that data planes take.
DEFAULT_HEADER_CHARS = 2048

# Where a name ends that may have a value in it.
_VALUE_IN_NAME = re.compile(r"[=%]|(?<=writekey)[^.\[]", re.IGNORECASE)


def environ_bytes(value: str) -> bytes:
    """The bytes that a string of the WSGI environ stands for.

    By PEP 3333, each character is one byte, by its latin-1 number. If there is
    a character beyond latin-1, the server has decoded the string already; its
    bytes are then those of UTF-8.
    """
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogatepass")


def wsgi_text(text: str, errors: str = "strict") -> str:
    """*text* as a string of the WSGI environ: with each byte of its UTF-8 as the latin-1 character of that number.

    :param errors: what becomes of half a surrogate pair, as :meth:`str.encode` has it.
    """
    return text if text.isascii() else text.encode("utf-8", errors).decode("latin-1")


def decode_utf8(raw: bytes) -> str:
    """*raw* decoded as UTF-8. NUL and bytes that are not UTF-8 become U+FFFD.

    Every JSON encoder and every database can store the result.
    """
    return raw.decode("utf-8", "replace").replace("\0", "\ufffd")


def is_blank(value: Any) -> bool:
    """Returns True if *value* is ``None``, or a string of nothing but white space."""
    return value is None or (isinstance(value, str) and not value.strip())


def says_nothing(text: str) -> bool:
    """Returns True if *text* stands for no value at all.

    That is so if nothing in it can be seen (U+FFFD counts as invisible here),
    if it is exactly one of ``undefined``, ``null``, ``NaN``, ``None`` and
    ``[object Object]``, or if it is one unexpanded placeholder and nothing
    else: ``${x}``, ``{{x}}``, ``{x}``, ``%%x%%``, ``*|x|*``, ``[[x]]``,
    ``#{x}`` or ``[%x%]``. There, x is one character or more without the
    closing mark; in ``{x}`` it has only letters, digits and ``_ $ ! .``.
    """
    if text[:1] in _PLAIN_BEGINNINGS or text in _WORDS_FOR_NOTHING:
        return text in _WORDS_FOR_NOTHING
    if _ANYTHING_LEGIBLE.search(text) is None:
        return True
    for opening, closing in _PLACEHOLDERS:
        if text.startswith(opening):
            end = text.find(closing, len(opening))
            return end > len(opening) and end == len(text) - len(closing)
    return _BRACED_NAME.fullmatch(text) is not None


def id_says_nothing(text: str) -> bool:
    """Returns True if *text*, as an id, stands for nobody.

    That is so if it says nothing, and also if ``{{x}}``, ``*|x|*``, ``%%x%%``
    or ``${x}`` stands anywhere in it.
    """
    if text.isalnum() and text.isascii():
        return text in _WORDS_FOR_NOTHING
    if says_nothing(text):
        return True
    if not ("{" in text or "|" in text or "%" in text):
        return False
    for opening, closing in _PLACEHOLDERS_IN_IDS:
        start = text.find(opening)
        if start >= 0 and text.find(closing, start + len(opening) + 1) >= 0:
            return True
    return False


def strip_invisible(text: str) -> str:
    """*text* without the characters at either end that cannot be seen. U+FFFD stays: it stands for some character."""
    if text and text[0] in _VISIBLE_ASCII and text[-1] in _VISIBLE_ASCII:  # as nearly every id
        return text
    if text.isascii():
        return text.strip(_INVISIBLE_ASCII)
    first = _ANYTHING_VISIBLE.search(text)
    last = _ANYTHING_VISIBLE.search(text[::-1])
    return text[first.start() : len(text) - last.start()] if first and last else ""


def name_without_value(name: str) -> str:
    """A parameter's *name* in a form that a message or a log may show.

    It ends before the first equals sign. A name with an equals sign comes from
    a pair, or a whole query, that was escaped once too often: behind the sign
    is a value, and perhaps the write key. For the same reason it ends before a
    percent sign, which is left of a second escape, and before anything that
    stands between ``writeKey`` and a sign, such as ``:``.
    """
    visible = _VALUE_IN_NAME.split(name, maxsplit=1)[0]
    if visible == name:
        return shortened(name)
    return shortened(visible) + ("=…" if name[len(visible)] == "=" else "…")


def printable(text: str) -> str:
    """*text* with U+FFFD in place of each character that is invisible or controls a terminal."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def shortened(text: str, max_chars: int = 64) -> str:
    """The first *max_chars* characters of *text*, printable. An ellipsis follows if *text* is longer."""
    return printable(text[:max_chars]) + ("…" if len(text) > max_chars else "")


def quoted(value: Any, max_chars: int = 64) -> str:
    """*value*, which is JSON, as JSON text of which at most *max_chars* characters are shown."""
    if isinstance(value, str):
        return f'"{shortened(value, max_chars)}"'
    return shortened(json.dumps(value, ensure_ascii=False, sort_keys=True), max_chars)
