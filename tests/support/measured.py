"""What a script needs in its environment so that its coverage is measured where its test's is."""

from __future__ import annotations

from pathlib import Path

_SETTINGS = Path(__file__).with_suffix(".ini")


def measured_environment() -> dict[str, str]:
    """The variables by which coverage.py measures a child, if it measures this process; otherwise none.

    They are for scripts that come to their end alone and print what they found out. Without them, nothing that is
    killed, counted or timed has a tracer. coverage.py takes its data together with those of the tests, since it
    stands beside them. Source: https://coverage.readthedocs.io/en/latest/subprocess.html
    """
    try:
        from coverage import Coverage
    except ImportError:
        return {}
    current = Coverage.current()
    if current is None:
        return {}
    return {"COVERAGE_PROCESS_START": str(_SETTINGS), "COVERAGE_FILE": str(current.get_option("run:data_file"))}
