"""Hints about a URL: what is likely a mistake in it, although the collector may well accept it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from urllib.parse import unquote

from ...params import join_name
from ...text import id_says_nothing, name_without_value, quoted
from .placeholders import find_placeholder
from .spelling import KnownNames, meant_by
from .url import URL, Parameter

_IDS = ("anonymousId", "userId", "groupId", "previousId", "messageId")
# The server sets these whatever the URL says: rule 6 of the design.
_SERVER_OWNED = ("type", "receivedAt", "integrations", "context.ip", "context.source")
_ESCAPE = re.compile("%[0-9A-Fa-f]{2}")
_MALFORMED_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")
_HTML_AMPERSAND = re.compile("&(?:amp;|#0*38;|#x0*26;)", re.IGNORECASE)
# A URL within a value has escapes of its own.
_WITH_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_MAIL_WITH_SPACE = re.compile(r"[^@\s]+( [^@\s]*)+@[^@\s]+")
#: How long a URL may be, in characters, before somebody cuts or refuses it, and who: each by its own documentation.
LENGTHS = (
    (2048, "Outlook does not open links that are longer, and campaign tools cut them"),
    (4096, "gunicorn (limit_request_line, 4,094) and uWSGI (buffer-size, 4,096) refuse it unless told otherwise"),
    (8190, "Apache (LimitRequestLine) and nginx (large_client_header_buffers) refuse it unless told otherwise"),
)


class Hint(NamedTuple):
    """One hint.

    :ivar parameter: the parameter that it is about, or ``None``.
    :ivar kind: a word for machines.
    :ivar message: a sentence. It quotes at most 64 characters of a value, and never a write key.
    """

    parameter: str | None
    kind: str
    message: str


def hints_of_url(url: URL) -> Iterator[Hint]:
    """What may be wrong with a URL as a whole."""
    if exceeded := [f"{limit:,}: {who}" for limit, who in LENGTHS if url.chars > limit]:
        yield Hint(None, "too-long", f"the URL has {url.chars:,} characters, which is over {'; over '.join(exceeded)}")
    if url.fragment:
        message = "what stands behind the # is never sent: write %23 where it belongs to a value"
        yield Hint(None, "fragment", message)
    if _HTML_AMPERSAND.search(url.text):
        yield Hint(None, "html-escaped", "the URL was escaped for HTML once too often: &amp; stands where & belongs")
    if "&" not in url.query and ";" in url.query and url.query.count("=") > 1:
        yield Hint(None, "separator", "parameters are separated by & only, and this query has ; instead")


def hints_of_parameters(parameters: Iterable[Parameter], known_names: KnownNames) -> Iterator[Hint]:
    """What may be wrong with each parameter.

    :param known_names: the names that the event's schema has, by place.
    """
    parameters = list(parameters)
    for name, count in Counter(parameter.name for parameter in parameters).items():
        if count > 1:
            yield Hint(_shown(name), "repeated", f"{_shown(name)} is there {count} times; the first one counts")
    if len(parameters) > 1 and all(parameter.raw_value.startswith("3D") for parameter in parameters):
        message = "each value begins with 3D: this is the mail as it was sent, with =3D for = (quoted-printable)"
        yield Hint(None, "quoted-printable", message)
    for parameter in parameters:
        for find in (_placeholder, _escaped_twice, _not_utf8, _malformed, _plus, _server_owned, _brackets):
            yield from find(parameter)
        yield from _misspelt(parameter, known_names)


def _shown(name: str) -> str:
    return name_without_value(name)


def _is_key(parameter: Parameter) -> bool:
    """Whether the value may be a write key, which is shown to nobody."""
    return "writekey" in parameter.name.lower()


def _placeholder(parameter: Parameter) -> Iterator[Hint]:
    name = _shown(parameter.name)
    if in_name := find_placeholder(parameter.name, ""):
        yield Hint(name, "placeholder", f"the name {name} holds a placeholder, as {in_name.who} have it")
    if found := find_placeholder(parameter.value, parameter.raw_value):
        effect = "it is stored as it stands"
        if parameter.name == "writeKey":
            effect = "no key is like that"
        elif parameter.name in _IDS and id_says_nothing(parameter.value):
            effect = "so this id counts as absent"
        shown = "a placeholder" if _is_key(parameter) else f"the placeholder {quoted(found.text)}"
        message = f"{name} holds {shown}, which was never filled in; {effect}"
        yield Hint(name, "placeholder", f"{message} (such are those of {found.who})")


def _escaped_twice(parameter: Parameter) -> Iterator[Hint]:
    name = _shown(parameter.name)
    if "=" in parameter.name or _ESCAPE.search(parameter.name):
        message = f"the name {name} was escaped together with what follows it: escape each name and each value alone"
        yield Hint(name, "escaped-twice", message)
    value = parameter.value
    if _ESCAPE.search(value) and not _WITH_SCHEME.match(value) and not find_placeholder(value, ""):
        once = "" if _is_key(parameter) else f"; once, it would be {quoted(unquote(value))}"
        yield Hint(name, "escaped-twice", f"the value of {name} was escaped twice{once}")


def _not_utf8(parameter: Parameter) -> Iterator[Hint]:
    if "\ufffd" in parameter.value and "%EF%BF%BD" not in parameter.raw_value.upper():
        name = _shown(parameter.name)
        yield Hint(name, "not-utf-8", f"{name} has bytes that are not UTF-8, or NUL; each of them becomes U+FFFD")


def _malformed(parameter: Parameter) -> Iterator[Hint]:
    if _MALFORMED_ESCAPE.search(parameter.raw_value) and not find_placeholder(parameter.value, parameter.raw_value):
        name = _shown(parameter.name)
        yield Hint(name, "malformed-escape", f"{name} has a % that begins no escape, and stays as it is: write %25")


def _plus(parameter: Parameter) -> Iterator[Hint]:
    if "+" in parameter.raw_value and _MAIL_WITH_SPACE.fullmatch(parameter.value):
        name = _shown(parameter.name)
        shown = "" if _is_key(parameter) else f", as in {quoted(parameter.value)}"
        yield Hint(name, "plus", f"the + in {name} is read as a space{shown}: write %2B")


def _server_owned(parameter: Parameter) -> Iterator[Hint]:
    if owned := [name for name in _SERVER_OWNED if f"{parameter.name}.".startswith(f"{name}.")]:
        yield Hint(_shown(parameter.name), "server-owned", f"the server sets {owned[0]} itself, whatever a URL says")


def _brackets(parameter: Parameter) -> Iterator[Hint]:
    if re.fullmatch(r"[\w.]+(\[\w*\])+", parameter.name):
        name = _shown(parameter.name)
        dotted = parameter.name.replace("[]", ".0").replace("[", ".").replace("]", "")
        yield Hint(name, "brackets", f"brackets in {name} nest nothing; dots do: is {_shown(dotted)} meant?")


def _misspelt(parameter: Parameter, known_names: KnownNames) -> Iterator[Hint]:
    if "[" not in parameter.name and (meant := meant_by(parameter.segments, known_names)):
        name = _shown(parameter.name)
        yield Hint(name, "misspelt", f"{name} is no known field: is {_shown(join_name(meant))} meant?")
