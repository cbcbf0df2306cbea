"""IP addresses: reads what servers and proxies call one, and makes it coarser for the sake of privacy."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_network

# An address may have brackets, a port, and a zone such as %eth0 (RFC 4007, section 11).
_WRITTEN = re.compile(r"\[([0-9A-Fa-f:.]+)(?:%[^\]]*)?\](?::[0-9]*)?|([0-9.]+)(?::[0-9]*)?|([0-9A-Fa-f:.]+)(?:%.*)?")
_MAX_CHARS = 100  # the longest address has 45, and a name of a network interface at most 15 on Linux
# The visitors of the last minutes; reading takes three microseconds, and most visitors send more than one pixel.
_CACHE_SIZE = 1024

# Of IPv4, what a provider gives a street; of IPv6, what it gives a customer.
_COARSE_BITS = {4: 24, 6: 48}


def read_address(text: str) -> str:
    """The IP address that *text* stands for, in its usual spelling (RFC 5952); empty if it stands for none.

    Brackets, a port and a zone are left out. An IPv4 address within IPv6
    (``::ffff:192.0.2.1``) is spelled as IPv4.
    """
    return _read_address(text) if len(text) <= _MAX_CHARS else ""


@lru_cache(maxsize=_CACHE_SIZE)
def _read_address(text: str) -> str:
    address = _parse(text)
    return "" if address is None else str(address)


def coarse_address(text: str) -> str:
    """The address of the network that *text* is in: of the first 24 bits in IPv4, of 48 in IPv6; or empty."""
    address = _parse(read_address(text))
    if address is None:
        return ""
    return str(ip_network((address, _COARSE_BITS[address.version]), strict=False).network_address)


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    written = _WRITTEN.fullmatch(text.strip())
    if written is None:
        return None
    in_brackets, v4, bare = written.groups()
    try:
        if v4:
            return IPv4Address(v4)
        v6 = IPv6Address(in_brackets or bare)
    except ValueError:
        return None
    return v6.ipv4_mapped or v6
