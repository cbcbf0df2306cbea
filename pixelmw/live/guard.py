"""Decides who may look at the live view.

1. A page of another site never may, whoever has opened it. Browsers say so in
   ``Sec-Fetch-Site``; older ones at least send ``Origin``.
2. Whoever has the token may, from anywhere.
3. Without it, this machine may. The request comes from a loopback address, it
   is for a host that is known, and nothing shows a proxy in front of us. A page
   of a hostile name that resolves to 127.0.0.1 gives itself away by its host.
   Behind a proxy on the same machine, everybody comes from a loopback address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256
from hmac import compare_digest
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple

from ..text import quoted, shortened

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

# A name or an address, and perhaps a port; an address of IPv6 stands in brackets (RFC 3986, section 3.2.2).
_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^:/@\[\]]+))(?::[0-9]*)?", re.IGNORECASE)
# What may stand in a header as a token: RFC 6750, section 2.1.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
# Each of these is written by a proxy about the client that it stands for. X-Forwarded-* is the whole family.
_PROXY_HEADERS = (
    "HTTP_FORWARDED",
    "HTTP_VIA",
    "HTTP_X_REAL_IP",
    "HTTP_X_CLIENT_IP",
    "HTTP_X_CLUSTER_CLIENT_IP",
    "HTTP_X_ORIGINAL_HOST",
    "HTTP_TRUE_CLIENT_IP",
    "HTTP_CF_CONNECTING_IP",
    "HTTP_FASTLY_CLIENT_IP",
    "HTTP_FLY_CLIENT_IP",
)
_OLD_PROTOCOLS = ("HTTP/0.9", "HTTP/1.0")
# Where Werkzeug's ProxyFix keeps what it has changed.
_PROXY_FIX = "werkzeug.proxy_fix.orig"


class Objection(NamedTuple):
    """Why a request is not answered.

    :ivar sentence: the reason, in words.
    :ivar token_helps: whether the same request with the token would be answered.
    """

    sentence: str
    token_helps: bool


class Guard:
    """Says what speaks against answering a request.

    :param hosts: the names of this machine that are known.
    :param token: opens the view from anywhere; ``None`` for no such token.
    :raises TypeError: if *hosts* is a single string, or a host or the token is no string.
    :raises ValueError: if a host is none, or the token cannot stand in a header.
    """

    def __init__(self, hosts: Iterable[str], token: str | None) -> None:
        self._hosts = _checked_hosts(hosts)
        self._token = None if token is None else _digest(_checked_token(token))

    @property
    def has_token(self) -> bool:
        """Whether there is a token."""
        return self._token is not None

    def objection(self, environ: WSGIEnvironment) -> Objection | None:
        """Why a request is not answered, or ``None`` if it is."""
        if sentence := _comes_from_elsewhere(environ):
            return Objection(sentence, token_helps=False)
        if self._has_the_token(environ):
            return None
        sentence = self._is_not_this_machine(environ)
        return None if sentence is None else Objection(sentence, token_helps=self.has_token)

    def _is_not_this_machine(self, environ: WSGIEnvironment) -> str | None:
        address = environ.get("REMOTE_ADDR", "")
        if not _is_loopback(address):
            return f"The request comes from {shortened(address) or 'an unknown address'}, and not from this machine."
        host = environ.get("HTTP_HOST", "")
        if _host_name(host) not in self._hosts:
            return f"The request is for the host {quoted(host)}, which is not known here."
        if sign := _sign_of_a_proxy(environ):
            return f"The request came through a proxy: {sign}. Everybody seems to be on this machine then."
        return None

    def _has_the_token(self, environ: WSGIEnvironment) -> bool:
        scheme, _, given = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        if self._token is None or scheme.lower() != "bearer":
            return False
        return compare_digest(_digest(given.strip()), self._token)  # of digests: not even the length shows


def _comes_from_elsewhere(environ: WSGIEnvironment) -> str | None:
    site = environ.get("HTTP_SEC_FETCH_SITE")
    origin = environ.get("HTTP_ORIGIN")
    if site is not None:
        if site in ("same-origin", "none"):
            return None
        return "The request comes from a page of another site. Type the address into the browser instead."
    own_origin = f"{environ.get('wsgi.url_scheme', 'http')}://{environ.get('HTTP_HOST', '')}"
    if origin is not None and origin.lower() != own_origin.lower():
        return "The request comes from a page of another origin."
    return None


def _is_loopback(address: str) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:  # a Unix socket has none; a proxy is what usually listens there
        return False
    return (getattr(parsed, "ipv4_mapped", None) or parsed).is_loopback


def _sign_of_a_proxy(environ: WSGIEnvironment) -> str | None:
    protocol = environ.get("SERVER_PROTOCOL", "")
    if not protocol or protocol in _OLD_PROTOCOLS:  # nginx speaks HTTP/1.0 unless it is told otherwise
        return f"it speaks {protocol or 'no known protocol'}"
    for name in environ:
        if name.startswith("HTTP_X_FORWARDED") or name in _PROXY_HEADERS:
            return f"it has the header {shortened(name.removeprefix('HTTP_').replace('_', '-').title())}"
    original = environ.get(_PROXY_FIX) or {}
    if any(environ.get(name) != value for name, value in original.items()):
        return "ProxyFix has changed it"
    return None


def _host_name(host: str) -> str | None:
    """The name in a ``Host`` header, without the port; ``None`` if it is none."""
    found = _HOST.fullmatch(host)
    return (found[1] or found[2]).lower() if found else None


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogatepass")).digest()


def _checked_hosts(hosts: Iterable[str]) -> frozenset[str]:
    if isinstance(hosts, str | bytes) or not isinstance(hosts, Iterable):
        raise TypeError(f"hosts is {hosts!r}: give a list of names, even for one")
    names = set()
    for host in hosts:
        if not isinstance(host, str):
            raise TypeError(f"hosts has {host!r}: a host is a string")
        plain = host.removeprefix("[").removesuffix("]")
        if not plain or re.search(r"[\s/@*\[\]]", plain) or (":" in plain and not _is_ipv6(plain)):
            raise ValueError(f"hosts has {host!r}: give the name or the address alone, such as 'localhost'")
        names.add(plain.lower())
    return frozenset(names)


def _is_ipv6(text: str) -> bool:
    try:
        return ip_address(text).version == 6
    except ValueError:
        return False


def _checked_token(token: str) -> str:
    # The messages do not show it.
    if not isinstance(token, str):
        raise TypeError(f"token is a {type(token).__name__}: give a string")
    if not _TOKEN.fullmatch(token):
        raise ValueError(
            "token cannot stand in the header Authorization: make one with "
            "python -c 'import secrets; print(secrets.token_urlsafe())'"
        )
    return token
