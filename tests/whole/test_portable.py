"""Without fork and file locks, as on Windows, what can work does, and the rest says what the system lacks."""

from __future__ import annotations

from pathlib import Path

from tests.support.processes import run

# A mock of such a system: this process has the real ones.
_WITHOUT = """
import os, sys
sys.modules["fcntl"] = None
del os.register_at_fork, os.fork
"""

_USE = (
    _WITHOUT
    + """
from pixelmw import PixelMiddleware
from pixelmw.delivery import Background, Spool
from pixelmw.sinks import JSONLines, SQLite
from tests.support.pixel import Pixel

events = []
pixel = Pixel(sink=Background(events.append, max_delay=0))
assert pixel.get("/pixel/v1/track", "writeKey=k&anonymousId=a&event=e").status_code == 200
pixel.middleware.collector.sink.close()
assert len(events) == 1
store = SQLite(sys.argv[1])
store(events[0])
store.close()
for make in (lambda: JSONLines("events"), lambda: Spool("spool", print)):
    try:
        make()
    except RuntimeError as error:
        os.write(1, f"{error}\\n".replace(" ", "_").encode())
"""
)


def test_without_fork_and_file_locks_what_needs_them_says_so_and_the_rest_works(tmp_path: Path) -> None:
    assert run(_USE, tmp_path / "events.db") == [
        f"{name}_locks_files_with_fcntl,_which_this_system_does_not_have:_it_needs_Linux_or_macOS"
        for name in ("JSONLines", "Spool")
    ]
