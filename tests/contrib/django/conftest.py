"""A test database in a file, as Django's own test runner would make it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test.utils import (
    setup_databases,
    setup_test_environment,
    teardown_databases,
    teardown_test_environment,
)

from tests.support import django_site

django_site.configure()


@pytest.fixture(scope="session", autouse=True)
def django_databases() -> Iterator[None]:
    """The database of the site, migrated, for every test in this folder."""
    setup_test_environment()
    made = setup_databases(verbosity=0, interactive=False)
    yield
    teardown_databases(made, verbosity=0)
    teardown_test_environment()
