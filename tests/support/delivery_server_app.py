"""The application behind servers that are stopped: a Spool or a Background, before a sink that takes its time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pixelmw import Event, PixelMiddleware
from pixelmw.delivery import Background, Spool
from pixelmw.sinks import JSONLines
from pixelmw.sinks.base import BatchSink
from pixelmw.system.threads import background_threads_run

if "PIXELMW_TEST_HAS_THREADS" in os.environ:
    import uwsgi

    # Before 2.0.27, this was 0 unless uWSGI was told --enable-threads. Now it is always 1.
    uwsgi.has_threads = int(os.environ["PIXELMW_TEST_HAS_THREADS"])

_DIRECTORY = Path(os.environ["PIXELMW_TEST_DIRECTORY"])


class SlowLines(BatchSink):
    """Appends to a file, after a pause for each batch, so that there is something queued."""

    def __init__(self) -> None:
        self._append = JSONLines(os.environ["PIXELMW_TEST_OUTPUT"], sync=False)
        self._pause = float(os.environ.get("PIXELMW_TEST_PAUSE", "0.03"))  # seconds

    def write(self, events: Sequence[Event]) -> None:
        time.sleep(self._pause)
        for event in events:
            self._append(event)


#: A name for the environment, and what makes a wrapper.
WRAPPERS: dict[str, Callable[[], Callable[[Event], object]]] = {
    "spool": lambda: Spool(_DIRECTORY, SlowLines()),
    "background": lambda: Background(SlowLines(), max_batch=50),
}


def host(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    body = f"threads run: {background_threads_run()}".encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


application = PixelMiddleware(host, WRAPPERS[os.environ["PIXELMW_TEST_WRAPPER"]]())
