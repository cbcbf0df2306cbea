"""Decides whether a write key may write, and which source it stands for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from typing import Any

from ..errors import Rejected
from ..system.callables import checked_callable, raise_if_unfinished

#: What ``write_keys`` takes; :class:`pixelmw.PixelMiddleware` says what each means.
WriteKeys = str | Iterable[str] | Mapping[str, str] | Callable[[str], str | None]


class WriteKeyChecker:
    """The write keys of one collector.

    :param write_keys: see :class:`pixelmw.PixelMiddleware`. A collection or mapping is copied.
    :raises TypeError: for an argument of another type.
    :raises ValueError: for a single string other than "any" and "optional", a
        blank key, or an empty collection.
    """

    def __init__(self, write_keys: WriteKeys) -> None:
        self._required = write_keys != "optional"
        #: Whether :attr:`look_up` is the user's.
        self.asks_the_user = False
        #: From a key to the name of its source, or ``None`` for an unknown key; unless any key will do.
        self.look_up: Callable[[str], str | None] = _any_key
        if isinstance(write_keys, str):
            if write_keys not in ("any", "optional"):
                raise ValueError(
                    "write_keys is a single string that is neither 'any' nor 'optional'; "
                    "for one key, give a list that holds it"
                )
        elif callable(write_keys):
            self.asks_the_user = True
            self.look_up = checked_callable(
                "write_keys", write_keys, "a callable that takes a key; of an Enum, the list of its values"
            )
        else:
            self.look_up = _constant_time_lookup(write_keys)

    def check(self, write_key: Any) -> str | None:
        """The name of the source that *write_key* stands for, or ``None`` if it names none.

        :param write_key: as for :meth:`needs_look_up`.
        :raises Rejected: ``unauthorized`` if the key is missing, unknown, or
            not one plain string.
        """
        return self.source_of(self.look_up(write_key)) if self.needs_look_up(write_key) else None

    def needs_look_up(self, write_key: Any) -> bool:
        """Return True if :attr:`look_up` is to be called with *write_key*.

        :param write_key: the ``writeKey`` of the query: a string, a dict or a
            list (for ``writeKey.x=``), or ``None`` if it is absent.
        :raises Rejected: ``unauthorized`` if the key is missing, or not one plain string.
        """
        if not (write_key is None or isinstance(write_key, str)):
            raise _unauthorized("writeKey must be one plain string")
        if not write_key or not write_key.strip():
            if self._required:
                raise _unauthorized("writeKey is missing")
            return False
        return True

    def source_of(self, found: Any) -> str | None:
        """The name of the source that was *found*, or ``None`` if the key names none.

        :param found: what :attr:`look_up` returned.
        :raises Rejected: ``unauthorized`` if the key is unknown.
        :raises TypeError: if it is neither a string nor ``None``.
        """
        if found is None:
            raise _unauthorized("writeKey is unknown")
        if not isinstance(found, str):
            raise_if_unfinished("write_keys", self.look_up, found)
            raise TypeError(f"the write_keys callable returned {found!r}: return a source name, or None to refuse")
        return str.__str__(found) or None  # of a StrEnum, its value


def _any_key(write_key: str) -> str:
    return ""


def _constant_time_lookup(write_keys: Any) -> Callable[[str], str | None]:
    """A look-up that takes the same time for all unknown keys of one length, however many characters are right."""
    if not isinstance(write_keys, Iterable) or isinstance(write_keys, bytes | bytearray):
        raise TypeError(f"write_keys is a {type(write_keys).__name__}: give 'any', 'optional', keys or a callable")
    sources = dict(write_keys) if isinstance(write_keys, Mapping) else dict.fromkeys(write_keys, "")
    for key, source in sources.items():
        if not isinstance(key, str) or not isinstance(source, str):
            raise TypeError("write_keys holds something that is not a string; keys and source names are strings")
        if not key.strip():
            raise ValueError("write_keys holds a blank key, which no request can carry")
    if not sources:
        raise ValueError("write_keys is empty, which would refuse every request; did you mean 'any' or 'optional'?")
    # The time of a comparison may show how many characters of a text are right. If keys were compared, an attacker
    # could guess a key step by step. So digests are compared: nobody can derive a key from a part of its digest.
    by_digest = {_digest(key): source for key, source in sources.items()}
    return lambda write_key: by_digest.get(_digest(write_key))


def _digest(key: str) -> bytes:
    return sha256(key.encode()).digest()


def _unauthorized(message: str) -> Rejected:
    return Rejected("unauthorized", message, path="writeKey")
