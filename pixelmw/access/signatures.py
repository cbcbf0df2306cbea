"""Signs links, and tells those that were signed here from all others.

A signed link carries one parameter, ``signed``, of three parts: the version of
this format, the content, and the signature of both as text. The content says
for which event type the link is, when it was made, when it ends, and the query
that the event is made of. It is readable for anybody: signed is not secret.
"""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64encode
from binascii import a2b_base64
from collections.abc import Callable, Iterable
from datetime import timedelta
from hmac import compare_digest
from typing import Any, Literal, NamedTuple

from ..errors import Rejected
from ..params import Limits, parse_query

#: What becomes of a link without a signature where there is a signer.
Unsigned = Literal["refuse", "allow"]

#: The parameter that carries a signed link.
SIGNED_PARAMETER = "signed"

# The version of the format. What another version is signed for is never taken for this one.
_VERSION = "1"
# Keeps the signatures apart from any others that are made with the same key.
_SALT = b"pixelmw.signed-link"
_FROM_URLSAFE = bytes.maketrans(b"-_", b"+/")
# A shorter key can be guessed. 16 random characters of an alphabet of 64 are 96 bits.
_MIN_KEY_CHARS = 16


class SignedLink(NamedTuple):
    """What a signed link says.

    :ivar event_type: the event type that it was made for.
    :ivar query: the query that the event is made of, as PEP 3333 spells it: one character for each byte.
    :ivar made: when it was made, in milliseconds since the epoch, by the clock of the machine that made it.
    :ivar ends: the last millisecond at which it counts, or ``None``.
    """

    event_type: str
    query: str
    made: int
    ends: int | None


class Signer:
    """Signs links with HMAC-SHA256, and verifies them.

    ::

        signer = Signer(["the key of last year", "the key of this year"])
        url = Links("https://pixels.example", write_key="newsletter", signer=signer).track("Opened", user_id="42")

    :param keys: the secret keys, oldest first. The last one signs; all of them
        verify. To retire a key, take it out.
    :param max_age: how long any link counts after it was made, whatever it says
        itself; a :class:`~datetime.timedelta`, or a number of seconds. ``None``: for ever.
    :raises ImportError: if itsdangerous is not installed (``pip install pixelmw[signed]``).
    :raises TypeError: if *keys* is a single string, or a key is not a string.
    :raises ValueError: if there is no key, a key has fewer than 16 characters
        or occurs twice, or *max_age* is not positive.
    """

    def __init__(self, keys: Iterable[str], max_age: timedelta | float | None = None) -> None:
        self._signatures = [_signature_maker(key) for key in reversed(_checked_keys(keys))]
        self._max_age = None if max_age is None else milliseconds("max_age", max_age)

    def sign(self, link: SignedLink) -> str:
        """The value of the parameter ``signed`` for *link*. It needs no percent-encoding."""
        ends = "" if link.ends is None else str(link.ends)
        content = f"{link.event_type}.{link.made}.{ends}.{link.query}".encode("latin-1")
        text = f"{_VERSION}.{urlsafe_b64encode(content).rstrip(b'=').decode()}"
        return f"{text}.{self._signatures[0](text)}"

    def verify(self, signed: object) -> SignedLink | None:
        """The link that *signed* was made of by :meth:`sign`, with any of the keys; ``None`` for anything else."""
        if not isinstance(signed, str) or not signed.isascii():
            return None
        text, _, signature = signed.rpartition(".")
        # The signature is compared as text. Decoded first, as itsdangerous does it, several spellings would be equal.
        for make_signature in self._signatures:
            if compare_digest(make_signature(text), signature):
                break
        else:
            return None
        # From here on, all is as some signer of ours has written it.
        version, _, encoded = text.partition(".")
        if version != _VERSION:
            return None
        content = a2b_base64(encoded.encode().translate(_FROM_URLSAFE) + b"==").decode("latin-1")
        event_type, made, ends, query = content.split(".", 3)
        return SignedLink(event_type, query, int(made), int(ends) if ends else None)

    def has_expired(self, link: SignedLink, now: float) -> bool:
        """Returns True if *link* no longer counts.

        A link that seems to come from the future counts: its maker's clock is ahead.

        :param now: seconds since the epoch.
        """
        end_by_age = None if self._max_age is None else link.made + self._max_age
        return any(end is not None and now * 1000 > end for end in (link.ends, end_by_age))


def milliseconds(name: str, duration: timedelta | float) -> int:
    """A positive *duration*, given as a timedelta or in seconds, in milliseconds.

    :raises TypeError: if it is something else.
    :raises ValueError: if it is not positive, or not finite.
    """
    if isinstance(duration, timedelta):
        duration = duration.total_seconds()
    if not isinstance(duration, int | float) or isinstance(duration, bool):
        raise TypeError(f"{name} is {duration!r}: give a timedelta, or a number of seconds")
    if not 0 < duration < float("inf"):
        raise ValueError(f"{name} is {duration!r}: it must be positive")
    return max(1, round(duration * 1000))


def _checked_keys(keys: Iterable[str]) -> list[str]:
    if isinstance(keys, str | bytes) or not isinstance(keys, Iterable):
        raise TypeError("keys is not a list: give a list of keys, oldest first, even for one")
    keys = list(keys)
    if not keys:
        raise ValueError("keys is empty: nothing could be signed")
    # The messages name a key by its place, and never show it.
    for number, key in enumerate(keys, 1):
        if not isinstance(key, str):
            raise TypeError(f"key {number} is a {type(key).__name__}: a key is a string")
        if len(key.strip()) < _MIN_KEY_CHARS:
            raise ValueError(
                f"key {number} has fewer than {_MIN_KEY_CHARS} characters: make one with "
                "python -c 'import secrets; print(secrets.token_urlsafe())'"
            )
        if key in keys[: number - 1]:
            raise ValueError(f"key {number} is the same as an earlier one: a rotated key must be a new one")
    return keys


def _signature_maker(key: str) -> Callable[[str], str]:
    """A function that signs a text with *key*. The key is derived once, which takes as long as a signature."""
    try:
        import itsdangerous
    except ImportError:
        raise ImportError("Signer needs itsdangerous: pip install 'pixelmw[signed]'") from None
    signer = itsdangerous.Signer(key, salt=_SALT, key_derivation="hmac", digest_method=hashlib.sha256)
    algorithm, derived_key, encode = signer.algorithm, signer.derive_key(), itsdangerous.encoding.base64_encode
    return lambda text: encode(algorithm.get_signature(derived_key, text.encode())).decode()


# A query of nothing but a signature, as links have it, needs no parsing.
_LONE = f"{SIGNED_PARAMETER}="
_NO_MORE_THAN_A_SIGNATURE = re.compile("[-.0-9A-Z_a-z]+").fullmatch


class SignatureChecker:
    """Takes the event out of a signed link, and refuses links that were not signed here.

    :param signer: verifies; ``None`` if links are not signed.
    :param unsigned: ``"refuse"`` or ``"allow"``: what becomes of links without a signature.
    :raises TypeError: if *signer* is no :class:`Signer`.
    :raises ValueError: for another word.
    """

    def __init__(self, signer: Signer | None, unsigned: Unsigned) -> None:
        if signer is not None and not isinstance(signer, Signer):
            raise TypeError(f"signer is {signer!r}: give a pixelmw.links.Signer")
        if unsigned not in ("refuse", "allow"):
            raise ValueError(f"unsigned is {unsigned!r}: give 'refuse' or 'allow'")
        self._signer = signer
        self._refuses_unsigned = unsigned == "refuse"

    def open(self, event_type: str, query: str, limits: Limits) -> tuple[dict[str, Any], SignedLink | None]:
        """The parameters that the event is made of, and the signed link that they come from, if there is one.

        Whatever stands beside a signature was added on the way, such as
        ``utm_source``. It counts for nothing.

        :raises Rejected: ``forged``, unless the link was signed for this event
            type; or as :func:`~pixelmw.params.parse_query` does.
        """
        if self._signer is None:
            return parse_query(query, limits), None
        signed: Any = query.removeprefix(_LONE)
        if len(query) > limits.query_bytes or signed == query or not _NO_MORE_THAN_A_SIGNATURE(signed):
            params = parse_query(query, limits)
            if SIGNED_PARAMETER not in params:
                if self._refuses_unsigned:
                    raise _forged("the link is not signed")
                return params, None
            signed = params[SIGNED_PARAMETER]
        link = self._signer.verify(signed)
        if link is None:
            raise _forged("the link was altered, or was not signed with a key of ours")
        if link.event_type != event_type:
            raise _forged(f"the link was signed for a {link.event_type} event")
        return parse_query(link.query, limits), link

    def check_time(self, link: SignedLink | None, now: float) -> None:
        """Refuse a link past its time.

        :param now: seconds since the epoch.
        :raises Rejected: ``expired``.
        """
        if link is not None and self._signer is not None and self._signer.has_expired(link, now):
            raise Rejected("expired", "the link is past its time", path=SIGNED_PARAMETER)


def _forged(message: str) -> Rejected:
    return Rejected("forged", message, path=SIGNED_PARAMETER)
