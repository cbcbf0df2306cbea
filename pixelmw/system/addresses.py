"""How many addresses a host has: client libraries give each of them the whole time to connect."""

from __future__ import annotations

import socket


def count_addresses(host: str | None, port: int | None) -> int:
    """Return how many addresses *host* has, and 1 if that cannot be found out or it is no name of a host.

    The time that the system takes to look up a name is not bounded.
    """
    if not host or "/" in host:
        return 1
    try:
        return max(1, len(socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)))
    except (OSError, UnicodeError):
        return 1
