"""Parameters of tests, most of which only the slow suite tries."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Any

import pytest


def slow_but(quick: Container[str], values: Iterable[str]) -> list[Any]:
    """Return *values* for ``params`` or ``parametrize``, with the mark ``slow`` on those that are not in *quick*."""
    return [value if value in quick else pytest.param(value, marks=pytest.mark.slow) for value in values]
