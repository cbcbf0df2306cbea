"""No safeguard of a Spool can be taken away without a test that turns red."""

import os

import pytest
from conftest import give_up, need
from safeguards import SAFEGUARDS, notices


@pytest.mark.parametrize("name", SAFEGUARDS)
def test_a_test_turns_red_without(name):
    need("strace")
    if os.geteuid():
        give_up("some of those tests need root")
    assert notices(name)
