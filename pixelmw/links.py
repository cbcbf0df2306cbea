"""Builds the URL of a pixel, and its ``<img>`` tag: the inverse of what the collector reads."""

from __future__ import annotations

import inspect
import time
import warnings
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, TypedDict, Unpack
from urllib.parse import quote, urlsplit

from markupsafe import Markup

from .access.signatures import SIGNED_PARAMETER, SignedLink, Signer, milliseconds
from .errors import Rejected
from .events import EVENT_TYPES, PATHS, build_event, params_of
from .params import Limits, parse_query
from .params.flatten import Tree, flatten, to_texts
from .text import wsgi_text

__all__ = ["LinkFields", "Links", "LongLinkWarning", "Signer"]

#: Outlook does not open links of more than 2,048 characters, and campaign tools make links longer, not shorter.
LONG_LINK_CHARS = 2000

# What a collector with the default settings takes.
_LIMITS = Limits()
# What RudderStack's and Segment's libraries call the fields, and what an event calls them.
_EVENT_FIELDS = {
    "user_id": "userId",
    "anonymous_id": "anonymousId",
    "message_id": "messageId",
    "timestamp": "originalTimestamp",
    "sent_at": "sentAt",
    **{name: name for name in ("properties", "context", "traits")},
}
# The names and values inside a signed link need only the escapes without which the parser reads something else.
_INNER_ESCAPES = str.maketrans({char: f"%{ord(char):02X}" for char in "%&=+"})


class LongLinkWarning(UserWarning):
    """A link has so many characters that mail clients and proxies may cut or refuse it."""


class LinkFields(TypedDict, total=False):
    """What any link may say besides, by the names that RudderStack's and Segment's libraries have for it.

    ``timestamp`` is when it happened, and ``sent_at`` when the message that
    holds the link was sent: an aware datetime, or a string. ``expires_in`` ends
    a signed link: a timedelta, or a number of seconds.
    """

    anonymous_id: str | None
    properties: Mapping[str, Any] | None
    context: Mapping[str, Any] | None
    message_id: str | None
    timestamp: datetime | str | None
    sent_at: datetime | str | None
    expires_in: timedelta | float | None


class _UserFields(LinkFields, total=False):
    user_id: str | None


class _UserAndTraitsFields(_UserFields, total=False):
    traits: Mapping[str, Any] | None


class Links:
    """Builds the URLs of pixels.

    ::

        links = Links("https://pixels.example", write_key="newsletter")
        url = links.track("Email Opened", user_id="42", properties={"campaign": "spring & summer"})
        tag = links.img(url)

    The collector makes of a link exactly what the link was made of. Texts come
    back as they were. Numbers, booleans and times are written as JSON and
    RFC 3339 write them; the schema decides what they become. ``None`` and empty
    objects and lists are left out. What a link cannot carry raises ValueError.

    :param base_url: where the pixels are served: scheme, host, and the path
        that the application is mounted at, if any.
    :param write_key: the write key that each link carries.
    :param paths: as given to the middleware; the first path of a type is used.
    :param signer: signs each link. The middleware then has the same signer, or one with the same keys.
    :raises TypeError: for an argument of the wrong kind.
    :raises ValueError: if *base_url* is not an absolute ``http`` or ``https``
        URL without query and fragment, or *write_key* is blank.
    """

    def __init__(
        self,
        base_url: str,
        *,
        write_key: str | None = None,
        paths: Mapping[str, str] = PATHS,
        signer: Signer | None = None,
    ) -> None:
        if signer is not None and not isinstance(signer, Signer):
            raise TypeError(f"signer is {signer!r}: give a pixelmw.links.Signer")
        if write_key is not None and not (isinstance(write_key, str) and write_key.strip()):
            raise ValueError(f"write_key is {write_key!r}: give a string that is not blank")
        if misspelt := [path for path in paths if not path.startswith("/")]:
            raise ValueError(f"paths has {misspelt[0]!r}: a path begins with a slash")
        base = _checked_base_url(base_url)
        self._urls = {event_type: base + quote(path) for path, event_type in reversed(list(paths.items()))}
        self._write_key = write_key
        self._signer = signer

    def page(self, name: str | None = None, **fields: Unpack[_UserAndTraitsFields]) -> str:
        """The URL of a page event."""
        return self._link("page", {"name": name}, fields)

    def track(self, event: str, **fields: Unpack[_UserAndTraitsFields]) -> str:
        """The URL of a track event; *event* is its name, such as ``"Email Opened"``."""
        return self._link("track", {"event": event}, fields)

    def screen(self, name: str | None = None, **fields: Unpack[_UserAndTraitsFields]) -> str:
        """The URL of a screen event."""
        return self._link("screen", {"name": name}, fields)

    def identify(self, user_id: str, traits: Mapping[str, Any] | None = None, **fields: Unpack[LinkFields]) -> str:
        """The URL of an identify event."""
        return self._link("identify", {"userId": user_id, "traits": traits}, fields)

    def group(self, group_id: str, traits: Mapping[str, Any] | None = None, **fields: Unpack[_UserFields]) -> str:
        """The URL of a group event."""
        return self._link("group", {"groupId": group_id, "traits": traits}, fields)

    def alias(self, previous_id: str, user_id: str, **fields: Unpack[LinkFields]) -> str:
        """The URL of an alias event: *previous_id* is *user_id* from now on."""
        return self._link("alias", {"previousId": previous_id, "userId": user_id}, fields)

    def url(self, event_type: str, event: Mapping[str, Any], *, expires_in: timedelta | float | None = None) -> str:
        """The URL of any event, as the collector would return it.

        What only the server sets (``type``, ``integrations``, ``receivedAt``,
        ``context.ip``, ``context.source``) is left out.

        :raises TypeError: if *event* is no mapping, or *expires_in* no duration.
        :raises ValueError: if no path is mounted for *event_type*, the event
            holds what a link cannot carry, or *expires_in* is given without a signer.
        """
        try:
            base = self._urls[event_type]
        except KeyError:
            known = ", ".join(self._urls)
            raise ValueError(f"no path is mounted for the event type {event_type!r}; paths has {known}") from None
        texts = to_texts(params_of(event_type, event), _LIMITS)
        for reserved in ("writeKey", SIGNED_PARAMETER):
            if reserved in texts:
                raise ValueError(f"the event has the field {reserved}, which the collector takes for its own")
        pairs = flatten(texts)
        if self._write_key is not None:
            pairs.append(("writeKey", self._write_key))
        query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
        _check_that_it_comes_back(event_type, texts, query)
        if self._signer is not None:
            query = f"{SIGNED_PARAMETER}={_signed(self._signer, event_type, pairs, expires_in)}"
        elif expires_in is not None:
            raise ValueError("expires_in needs a signer: nobody could trust the end of a link that is not signed")
        if len(query) > _LIMITS.query_bytes:
            raise ValueError(f"the link has a query of {len(query)} bytes; the collector takes {_LIMITS.query_bytes}")
        url = f"{base}?{query}"
        if len(url) > LONG_LINK_CHARS:
            message = f"the link has {len(url)} characters; over {LONG_LINK_CHARS}, mail clients and proxies may cut it"
            warnings.warn(message, LongLinkWarning, stacklevel=_level_of_caller())
        return url

    def img(self, url: str, *arguments: Any, **fields: Any) -> Markup:
        """The ``<img>`` tag of a link: one request, nothing visible, nothing read aloud.

        :param url: a link; or an event type, and the arguments of the method of that name.
        :raises ValueError: if *url* is neither.
        """
        if url in EVENT_TYPES:
            url = getattr(self, url)(*arguments, **fields)
        elif arguments or fields:
            raise TypeError(
                f"img() got {url!r} and more: give one URL, or an event type and the arguments of its method"
            )
        if urlsplit(url).scheme not in ("http", "https"):
            raise ValueError(f"{url!r} is neither an http or https URL nor one of {', '.join(EVENT_TYPES)}")
        # Gmail was seen not to load images with display:none, and Outlook ignores it. A lazy image below the fold is
        # never loaded. alt="" says that there is nothing to read aloud.
        return Markup(
            '<img src="{}" alt="" width="1" height="1" border="0" style="height:1px!important;width:1px!important;'
            'border-width:0!important;margin:0!important;padding:0!important">'
        ).format(url)

    def _link(self, event_type: str, own: dict[str, Any], fields: Mapping[str, Any]) -> str:
        event = {name: value for name, value in own.items() if value is not None}
        expires_in = fields.get("expires_in")
        for name, value in fields.items():
            if name == "expires_in" or value is None:
                continue
            if (event_name := _EVENT_FIELDS.get(name)) is None:
                raise TypeError(f"unknown field {name!r}; known are {', '.join(_EVENT_FIELDS)}, expires_in")
            event[event_name] = value
        return self.url(event_type, event, expires_in=expires_in)


def _signed(signer: Signer, event_type: str, pairs: list[tuple[str, str]], expires_in: timedelta | float | None) -> str:
    query = "&".join(f"{name.translate(_INNER_ESCAPES)}={value.translate(_INNER_ESCAPES)}" for name, value in pairs)
    made = int(time.time() * 1000)
    ends = None if expires_in is None else made + milliseconds("expires_in", expires_in)
    return signer.sign(SignedLink(event_type, wsgi_text(query), made, ends))


def _level_of_caller() -> int:
    """How many calls up a warning has to point, to show the line that asked for a link."""
    level, frame = 0, inspect.currentframe()
    while frame is not None and frame.f_globals is globals():
        level, frame = level + 1, frame.f_back
    return level


def _checked_base_url(base_url: str) -> str:
    if not isinstance(base_url, str):
        raise TypeError(f"base_url is {base_url!r}: give a string")
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or "?" in base_url:
        raise ValueError(f"base_url is {base_url!r}: give scheme and host, such as https://pixels.example")
    if not base_url.isascii() or any(char.isspace() for char in base_url):
        raise ValueError(f"base_url is {base_url!r}: write it as a browser sends it, in ASCII and without white space")
    return base_url.rstrip("/")


def _check_that_it_comes_back(event_type: str, texts: Tree, query: str) -> None:
    """Read *query* as the collector will, and compare.

    :raises ValueError: if the collector would refuse it, or make something else of it than *texts*.
    """
    try:
        params = parse_query(query, _LIMITS)
    except Rejected as refusal:
        raise ValueError(f"the collector would refuse the link: {refusal.message}") from None
    params.pop("writeKey", None)
    event = build_event(event_type, params, now=0.0, new_id=str, source=None)
    for name, value in texts.items():
        if event.get(name) != value:
            raise ValueError(
                f"{name} is {value!r:.80}: the collector would take it for absent, or make something else of it"
            )
