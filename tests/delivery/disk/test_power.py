"""Power cuts of a file system of its own: what was acknowledged before the cut is there after it."""

from __future__ import annotations

import random
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from tests.support.processes import found, out, start, wait_until
from tests.support.spools import Volume, drained, report, scale, volume

pytestmark = pytest.mark.slow

# Each thread ends with the first event that is refused.
_WRITE = """
import itertools, logging, os, sys, threading
from pathlib import Path
from pixelmw.delivery import Spool
from pixelmw.delivery.disk import journal
from pixelmw.sinks import JSONLines
from tests.support.processes import event

logging.disable()
journal.SEGMENT_BYTES = 20_000
directory, sync, drains = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "True"
held = threading.Event()
spool = Spool(directory / "spool", JSONLines(directory / "forwarded.jsonl") if drains else lambda event: held.wait(),
              sync=sync)

def store(thread):
    try:
        for number in itertools.count():
            spool(event(f"{thread}-{number}", 300))
            os.write(1, f"{thread}-{number}\\n".encode())
    except OSError:
        pass

threads = [threading.Thread(target=store, args=[thread]) for thread in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
os._exit(0)
"""


class Acknowledged:
    """The ids that a writer has acknowledged, as they come."""

    def __init__(self, writer: subprocess.Popen[str]) -> None:
        self.ids: list[str] = []
        self._pipe = out(writer)
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        self.ids.extend(line.strip() for line in self._pipe)

    def join(self) -> None:
        self._thread.join(60)
        assert not self._thread.is_alive()


def cut(made: Volume, count: int, *, sync: str, drains: bool) -> tuple[list[str], list[str]]:
    """Cut the power under a writer that has acknowledged *count*; returns what it had, and what is there afterwards."""
    with start(_WRITE, made.path, sync, drains) as writer:
        acknowledged = Acknowledged(writer)
        wait_until(lambda: len(acknowledged.ids) >= count)
        # Those that come later do not count. A sync that is under way during this very call may return 0 and have
        # done nothing: bare os.write and os.fdatasync show the same, on Linux 6.18.
        noted = acknowledged.ids.copy()
        made.cut_power()
        acknowledged.join()
        assert writer.wait(60) == 0
    made.unmount()
    made.mount()
    store = made.path / "forwarded.jsonl"
    there = found(store) if store.exists() else []
    there += drained(made.path / "spool") if (made.path / "spool").exists() else []
    store.unlink(missing_ok=True)
    shutil.rmtree(made.path / "spool", ignore_errors=True)
    return noted, there


@pytest.mark.parametrize(
    ("sync", "drains"),
    [("always", False), ("always", True), ("never", False)],
    ids=["sync always", "sync always, and drained meanwhile", "sync never"],
)
def test_a_power_cut_loses_nothing_that_was_acknowledged_unless_sync_is_never(
    tmp_path: Path, sync: str, drains: bool
) -> None:
    cuts, chance = scale(5, 100), random.Random(sync)
    acknowledged = lost = duplicates = 0
    with volume(tmp_path) as made:
        for _ in range(cuts):
            noted, there = cut(made, chance.randint(1, 1000), sync=sync, drains=drains)
            acknowledged += len(noted)
            lost += len(set(noted) - set(there))
            duplicates += len(there) - len(set(there))
    report(
        f"power cuts, sync={sync}{', drained meanwhile' if drains else ''}",
        cuts=cuts, acknowledged=acknowledged, lost=lost, duplicates=duplicates,
    )  # fmt: skip
    if sync == "always":
        assert lost == 0
    else:
        assert lost > 0, "this cannot see a loss"
