"""No safeguard of a Spool, or of files and locks, can be taken away without a test that turns red."""

from __future__ import annotations

import os

import pytest

from tests.safeguards import notices, stands_once
from tests.support.needs import give_up, need
from tests.support.safeguards import SAFEGUARDS


@pytest.mark.parametrize("name", SAFEGUARDS)
def test_the_code_still_has(name: str) -> None:
    assert stands_once(name), "tell tests/safeguards.py what is the safeguard now"


@pytest.mark.slow
@pytest.mark.parametrize("name", SAFEGUARDS)
def test_a_test_turns_red_without(name: str) -> None:
    need("strace")
    if os.geteuid():
        give_up("some of those tests need root")
    assert notices(name)
