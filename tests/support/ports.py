"""Ports on loopback for the servers of the tests."""

from __future__ import annotations

import random
import socket


def free_port() -> int:
    """Return a port on loopback that was free a moment ago, and that no outgoing connection gets by chance."""
    for port in random.sample(range(10_000, 30_000), 100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
    raise AssertionError("100 ports are in use")
