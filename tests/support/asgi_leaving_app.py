"""An ASGI application whose sink says when it begins, and goes on when a file is there; the host tells the counts."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pixelmw import Event
from pixelmw.asgi import PixelASGI
from pixelmw.sinks import BatchSink

FOLDER = Path(os.environ["PIXELMW_TEST_FOLDER"])
BEGUN, GO_ON, STORED = FOLDER / "begun", FOLDER / "go_on", FOLDER / "stored"


def note(file: Path, events: Sequence[Event]) -> None:
    with file.open("a", encoding="utf-8") as lines:
        lines.writelines(f"{event['userId']}\n" for event in events)


class Batches(BatchSink):
    def write(self, events: Sequence[Event]) -> None:
        note(BEGUN, events)
        while not GO_ON.exists():
            time.sleep(0.01)
        note(STORED, events)


async def awaited(event: Event) -> None:
    note(BEGUN, [event])
    while not GO_ON.exists():
        await asyncio.sleep(0.01)
    note(STORED, [event])


async def host(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the counts of the shell."""
    if scope["type"] != "http":
        raise ValueError(f"what is {scope['type']}?")
    body = json.dumps({**application.stats(), "waiting": application.waiting}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


SINKS: dict[str, Any] = {"batch": Batches(), "plain": lambda event: Batches().write([event]), "async": awaited}
application = PixelASGI(host, SINKS[os.environ["PIXELMW_TEST_KIND"]])
