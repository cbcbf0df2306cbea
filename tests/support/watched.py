"""A process of its own that takes schemas, and whose interpreter tells what was opened meanwhile.

An audit hook cannot be removed from a process. In one that is traced, such as under coverage, it makes the start of a
thread fail now and then before Python 3.12: the hook runs while a trace function is being set, and lets others run.
"""

from __future__ import annotations

import json
from typing import Any

from tests.support.processes import start

_SCRIPT = """
import json, socket, sys
import pixelmw

GOING_OUT = ("socket.", "urllib.", "http.", "ftplib.", "subprocess.", "open")
seen = []

def watch(event, arguments):
    if event.startswith(GOING_OUT):
        seen.append(f"{event} {arguments[0]}" if event == "open" else event)

def take(schema):
    try:
        pixelmw.Collector(sink=print, schemas={"track": schema})
    except ValueError as error:
        return str(error)

take({"$ref": "urn:pixelmw:track"})  # so that the package has read its own files by then
sys.addaudithook(watch)
for line in sys.stdin:
    order = json.loads(line)
    seen.clear()
    if "read" in order:
        open(order["read"]).close()
        socket.socket().connect_ex(("127.0.0.1", 9))
        refused = None
    else:
        refused = take(order["schema"])
    print(json.dumps([refused, seen]), flush=True)
"""


class Watched:
    """Asks such a process, one thing at a time."""

    def __init__(self) -> None:
        self._process = start(_SCRIPT)

    def take(self, schema: Any) -> tuple[str | None, list[str]]:
        """The message with which *schema* is refused, if it is, and the audit events in the meantime.

        They are those about sockets, URLs, subprocesses and opened files.
        """
        return self._ask(schema=schema)

    def read(self, file: str) -> list[str]:
        """The audit events while a file is opened, and a connection is asked for."""
        return self._ask(read=file)[1]

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=20)

    def _ask(self, **order: Any) -> tuple[str | None, list[str]]:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(order) + "\n")
        stdin.flush()
        refused, seen = json.loads(stdout.readline())
        return refused, seen
