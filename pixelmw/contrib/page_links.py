"""The URLs of pixels for the pages of a framework: absolute where the settings name a host, else relative."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import quote
from uuid import UUID

from markupsafe import Markup

from ..events import EVENT_TYPES, PATHS
from ..links import Links, Signer

# Stands for scheme and host where the settings name none; it is taken away again.
_NO_HOST = "http://pixelmw.invalid"
# What models have for ids and prices, and a link does not.
_TEXT_TYPES = (UUID, Decimal)


class PageLinks:
    """Builds the URLs and the tags of pixels.

    :param base_url: where the pixels are served, with scheme and host; ``None``
        for URLs that begin with the path.
    :param write_key: the write key that each URL carries.
    :param paths: as given to the middleware.
    :param signer: signs each URL.
    :param text_types: types of the framework's whose objects stand for their text, as ids and decimals do.
    :raises TypeError: for an argument of the wrong kind.
    :raises ValueError: for a *base_url* or *write_key* that cannot work.
    """

    def __init__(
        self,
        *,
        base_url: str | None = None,
        write_key: str | None = None,
        paths: Mapping[str, str] = PATHS,
        signer: Signer | None = None,
        text_types: tuple[type, ...] = (),
    ) -> None:
        self._base_url = base_url
        self._text_types = (*_TEXT_TYPES, *text_types)
        self._links = Links(_NO_HOST if base_url is None else base_url, write_key=write_key, paths=paths, signer=signer)

    def url(self, mounted_at: str, event_type: str, *arguments: Any, **fields: Any) -> str:
        """The URL of a pixel.

        :param mounted_at: the path that the application is mounted at; a relative URL begins with it.
        :param event_type: ``"page"``, ``"track"`` and so on; the rest are the
            arguments of the method of :class:`pixelmw.links.Links` with that name.
        :raises ValueError: for an unknown event type, or for what a link cannot carry.
        """
        if event_type not in EVENT_TYPES:
            raise ValueError(f"{event_type!r} is no event type; known are {', '.join(EVENT_TYPES)}")
        url: str = getattr(self._links, event_type)(*map(self._plain, arguments), **self._plain(fields))
        return self._relative(url, mounted_at)

    def img(self, mounted_at: str, event_type: str, *arguments: Any, **fields: Any) -> Markup:
        """The ``<img>`` of a pixel, with the arguments of :meth:`url`."""
        tag = self._links.img(event_type, *map(self._plain, arguments), **self._plain(fields))
        return Markup(self._relative(tag, mounted_at))  # noqa: S704 - a tag, with another beginning of its URL

    def _plain(self, value: Any) -> Any:
        """*value* with texts in place of what stands for one, also within objects and lists."""
        if isinstance(value, self._text_types):
            return str(value)
        if isinstance(value, Mapping):
            return {name: self._plain(each) for name, each in value.items()}
        return [self._plain(each) for each in value] if isinstance(value, list | tuple) else value

    def _relative(self, text: str, mounted_at: str) -> str:
        """*text* with the path *mounted_at* in place of the host that stands for none."""
        return text if self._base_url is not None else text.replace(_NO_HOST, quote(mounted_at.rstrip("/")), 1)
