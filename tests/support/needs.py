"""What a test needs and may not find: then it is skipped, and in CI it fails."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest


def give_up(reason: str) -> NoReturn:
    """Skip the test, and fail it in CI."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def need(*names: str) -> str:
    """The path of the first program of *names* that is installed. If none is, the test is skipped, and fails in CI."""
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        give_up(f"{' or '.join(names)} is not installed")
    return found


def conformance(name: str) -> Path:
    """A file of other people's tests, which may stand beside the checkout. If they do not, the test is skipped."""
    path = Path(__file__).parents[3] / "shared" / "conformance" / name
    if not path.exists():
        pytest.skip(f"{name} is not beside this checkout")
    return path
