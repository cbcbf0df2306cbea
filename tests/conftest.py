"""Fixtures that any test may ask for."""

from __future__ import annotations

import socket

import pytest

# A failed assert in there shows its values, as one in a test does. This has to come before the first import.
pytest.register_assert_rewrite("tests.support")

from tests.support.pixel import Pixel  # noqa: E402


@pytest.fixture
def pixel() -> Pixel:
    """A wrapped application with the default settings."""
    return Pixel()


@pytest.fixture
def free_port() -> int:
    """A TCP port on loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
