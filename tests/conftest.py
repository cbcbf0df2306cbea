"""Fixtures that any test may ask for."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import settings

# What is compiled is kept, also where PYTHONDONTWRITEBYTECODE is set: the other processes of a run, and the hundreds of
# commands and servers that tests start, would else compile the package, and the tests their assertions, each anew.
sys.dont_write_bytecode = False

# A failed assert in there shows its values, as one in a test does. This has to come before the first import.
pytest.register_assert_rewrite("tests.support")

from tests.support.pixel import Pixel  # noqa: E402
from tests.support.ports import free_port  # noqa: E402

# A busy machine makes no example wrong, however long it takes. What a decorator says besides counts on top of this.
settings.register_profile("pixelmw", deadline=None)
settings.load_profile("pixelmw")

# What the contract of sinks asks by many interruptions, or by waiting for time-outs, takes seconds for each sink.
SLOW_POINTS = (
    "test_a_thread_may_be_interrupted_anywhere_in_a_call",
    "test_an_exception_from_outside_ends_one_thread_only",
    "test_while_it_is_down_each_thread_hears_of_it",
    "test_while_a_call_hangs_nobody_waits_for_ever",
    "test_visitors_and_a_worker_and_close_may_meet",
)
KIT = Path(__file__).parent / "testing"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow what the contract asks of each sink at length, and as covered what the coverage needs."""
    for item in items:
        if getattr(item, "originalname", None) in SLOW_POINTS:
            item.add_marker(pytest.mark.slow)
        if item.get_closest_marker("slow") is not None and needs_coverage(item):
            item.add_marker(pytest.mark.covered)


def needs_coverage(slow: pytest.Item) -> bool:
    """Whether a slow test reaches lines that no quick one does: those of the kit, which asks much of broken sinks.

    The others run without coverage, which would hold them up. Before Python 3.12, a traced thread stands still, too,
    while an exception from outside waits for a blocked one: see pixelmw/testing/contract/untraced.py.
    """
    return KIT in slow.path.parents and "interrupt" not in slow.name and "from_outside" not in slow.name


@pytest.fixture
def pixel() -> Pixel:
    """A wrapped application with the default settings."""
    return Pixel()


@pytest.fixture(name="free_port")
def free_port_for_a_test() -> int:
    """See ``tests.support.ports``."""
    return free_port()
