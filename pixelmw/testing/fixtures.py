"""Fixtures for pytest, which loads them if a ``conftest.py`` says ``pytest_plugins = ["pixelmw.testing.fixtures"]``."""

from __future__ import annotations

import pytest
from werkzeug.exceptions import NotFound
from werkzeug.test import Client

from .recorder import Recorder


@pytest.fixture
def recorder() -> Recorder:
    """A recorder of this test's own, empty at its start."""
    return Recorder()


@pytest.fixture
def pixel_client(recorder: Recorder) -> Client:
    """A client of a site that has nothing but pixels, whose events go to the fixture ``recorder``.

    It needs no write key. For a site of yours: ``Client(recorder.wrap(app))``.
    """
    return Client(recorder.wrap(NotFound(), write_keys="optional"))
