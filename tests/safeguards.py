"""Takes each safeguard of sinks and deliveries away in turn, in a copy, and sees whether a test notices.

Run it with ``python -m tests.safeguards``: it prints a line for each, and ends with 1 where a test
stayed green that should not have.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.safeguards import SAFEGUARDS

ROOT = Path(__file__).parents[1]


def stands_once(name: str) -> bool:
    """Whether the text of the safeguard called *name* stands once in its file, so that it can be taken away."""
    safeguard = SAFEGUARDS[name]
    return (ROOT / "pixelmw" / safeguard.file).read_text(encoding="utf-8").count(safeguard.text) == 1


def notices(name: str) -> bool:
    """Whether a test turns red without the safeguard called *name*.

    :raises ValueError: where what it was could not be taken away, or the tests could not be run.
    """
    if not stands_once(name):
        raise ValueError(f"the code no longer has {name!r}: tell what is the safeguard now")
    file, text, instead, tests, besides = SAFEGUARDS[name]
    # The copy takes along what is compiled: to compile it anew takes longer than most of these tests.
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary)
        for part in ("pixelmw", "tests"):
            shutil.copytree(ROOT / part, copy / part)
        shutil.copy(ROOT / "setup.cfg", copy)
        source = copy / "pixelmw" / file
        code = source.read_text(encoding="utf-8")
        source.write_text(code.replace(text, instead) + besides, encoding="utf-8")
        module, _, start = tests.partition("::")
        # With -m, the slow ones, too.
        options = ("-x", "-q", "-p", "no:cacheprovider", "-m", "", "-k", start)
        command = [sys.executable, "-m", "pytest", *options, f"tests/{module}"]
        # The copy stands first on the path of whatever the tests start. To load the plugins takes longer than most of
        # these tests, which need none.
        environ = os.environ | {"PYTHONPATH": str(copy), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        run = subprocess.run(command, cwd=copy, env=environ, capture_output=True, text=True)
    if run.returncode not in (0, 1):  # something else than tests that pass or fail
        raise ValueError(f"{tests} could not be run without {name}:\n{run.stdout}{run.stderr}")
    return run.returncode == 1


def main() -> int:
    """Take each away; returns the exit code."""
    unnoticed = 0
    for name in SAFEGUARDS:
        noticed = notices(name)
        unnoticed += not noticed
        print(f"{name:40} {'red' if noticed else 'GREEN: no test notices'}", flush=True)
    print(f"{len(SAFEGUARDS) - unnoticed} passed, {unnoticed} failed")
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
