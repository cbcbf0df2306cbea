"""The sink that is a model, on MariaDB by mysqlclient: in this process Django has PyMySQL in its place."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import mysql_driver
from tests.support.needs import give_up

FOLDER = Path(__file__).parent
# The restarts come in seconds, and each waits for a server to start.
TIMEOUT = 300.0  # seconds


@pytest.mark.slow
@pytest.mark.parametrize("module", ["test_model_sink", "test_connections", "test_restarts", "test_asgi_connections"])
def test_what_is_tested_with_the_one_driver_holds_with_the_other(module: str) -> None:
    if importlib.util.find_spec("MySQLdb") is None:
        give_up("mysqlclient is not installed")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-k",
        "mariadb",
        "-m",
        "slow or not slow",
    ]
    run = subprocess.run(
        [*command, FOLDER / f"{module}.py"],
        cwd=FOLDER.parents[2],
        env=os.environ | {mysql_driver.VARIABLE: "mysqlclient"},
        text=True,
        capture_output=True,
        timeout=TIMEOUT,
    )
    assert run.returncode == 0, run.stdout
    assert re.search(r"^[1-9]\d* passed, \d+ deselected", run.stdout, re.MULTILINE)
