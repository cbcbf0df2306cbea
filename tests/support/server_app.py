"""The application that the real servers run: wrapped as a user would, storing where the environment says."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from pixelmw import PixelMiddleware
from pixelmw.links import Signer
from pixelmw.sinks import SQLite


def host(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    body = f"host {environ['REQUEST_METHOD']} {environ['PATH_INFO']}".encode("latin-1")
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


#: Signs links for the tests.
signer = Signer(["a key for these tests only"])

store = SQLite(os.environ.get("PIXELMW_TEST_DB", ":memory:"))
application = PixelMiddleware(host, store)
signing = PixelMiddleware(host, store, signer=signer)
