"""What needs a package that is not installed says which extra brings it."""

from __future__ import annotations

import pytest

from tests.support.processes import run_measured

_WITHOUT = """
import sys
package, module, *name = sys.argv[1:]
sys.modules[package] = None
try:
    made = __import__(module, fromlist=["x"])
    for each in name:
        getattr(made, each)(["a key that nobody knows"])
except ImportError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("package", "extra", "asked"),
    [
        ("sqlalchemy", "sql", ["pixelmw.sinks.sql"]),
        ("confluent_kafka", "kafka", ["pixelmw.sinks.kafka"]),
        ("redis", "redis", ["pixelmw.sinks.redis"]),
        ("urllib3", "http", ["pixelmw.sinks.http"]),
        ("prometheus_client", "metrics", ["pixelmw.delivery.metrics"]),
        ("django", "django", ["pixelmw.contrib.django"]),
        ("flask", "flask", ["pixelmw.contrib.flask"]),
        ("itsdangerous", "signed", ["pixelmw.links", "Signer"]),
    ],
)
def test_without_its_package_a_module_says_what_to_install(package: str, extra: str, asked: list[str]) -> None:
    assert f"pip install pixelmw[{extra}]" in " ".join(run_measured(_WITHOUT, package, *asked)).replace("'", "")
