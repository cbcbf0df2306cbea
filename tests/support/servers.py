"""Starts real WSGI servers on loopback and talks to them over plain sockets."""

from __future__ import annotations

import io
import itertools
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPMessage, parse_headers
from pathlib import Path
from typing import Any, NamedTuple

from werkzeug.serving import WSGIRequestHandler, make_server

import pixelmw
from tests.support import process_tree
from tests.support.needs import need
from tests.support.ports import free_port

TIMEOUT = 20.0  # seconds, for anything a server may keep us waiting for
_ADDRESS = re.compile(rb"127\.0\.0\.1:([1-9][0-9]*)")
_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3}) ")

_WERKZEUG = """
from werkzeug.serving import run_simple
from {module} import {name} as app
run_simple("127.0.0.1", 0, app, threaded=True)
"""
_WSGIREF = """
from wsgiref.simple_server import make_server
from {module} import {name} as app
with make_server("127.0.0.1", 0, app) as server:
    print("127.0.0.1:%d" % server.server_port, flush=True)
    server.serve_forever()
"""
# Port 0 has the system choose, and each server writes down what it got: no other program can come in between.
_GUNICORN = ("gunicorn", "--bind=127.0.0.1:0", "--graceful-timeout=5", "--timeout=20", "{module}:{name}")
# A module that does not load is to be the end of it. The default buffer of 4096 bytes is too small for long URLs.
_UWSGI = ("uwsgi", "--http-socket=127.0.0.1:0", "--need-app", "--die-on-term", "--no-orphans", "--buffer-size=65535")
# On SIGTERM, let each worker finish its request first. Without this, a worker is ended in the middle of it.
_GRACEFUL = "--hook-master-start=unix_signal:15 gracefully_kill_them_all"
_UVICORN = ("uvicorn", "--host=127.0.0.1", "--port=0", "--no-proxy-headers", "{module}:{name}")
_HYPERCORN = ("hypercorn", "--bind=127.0.0.1:0", "{module}:{name}")

# Waitress takes the headers of a proxy away that it was not told of, unless it is told to leave them.
_LEAVING = "--no-clear-untrusted-proxy-headers"

#: What starts each server; ``{module}`` and ``{name}`` are where the application is.
COMMANDS: dict[str, tuple[str, ...]] = {
    "gunicorn-sync": _GUNICORN,
    "gunicorn-gthread": (*_GUNICORN, "--threads=4"),
    "gunicorn-preload": (*_GUNICORN, "--threads=4", "--preload", "--workers=2"),
    "gunicorn-gevent": (*_GUNICORN, "--worker-class=gevent"),
    "gunicorn-max-requests": (*_GUNICORN, "--threads=4", "--workers=2", "--max-requests=50"),
    "waitress": ("waitress-serve", "--listen=127.0.0.1:0", "{module}:{name}"),
    "waitress-leaving": ("waitress-serve", "--listen=127.0.0.1:0", _LEAVING, "{module}:{name}"),
    "uwsgi": (*_UWSGI, "--module={module}:{name}"),
    "uwsgi-threads": (*_UWSGI, "--module={module}:{name}", "--enable-threads"),
    "uwsgi-master": (*_UWSGI, "--module={module}:{name}", "--master", "--processes=2", "--threads=2"),
    "uwsgi-graceful": (*_UWSGI, "--module={module}:{name}", "--master", "--processes=2", "--enable-threads", _GRACEFUL),
    "werkzeug": ("python", "-c", _WERKZEUG),
    "wsgiref": ("python", "-c", _WSGIREF),
    # Under ASGI. It would believe the X-Forwarded-For of any client on this machine.
    "uvicorn": _UVICORN,
    "hypercorn": _HYPERCORN,
    "asgi-uvicorn": _UVICORN,
    "asgi-hypercorn": _HYPERCORN,
    # It writes down the port that it was given, so that it needs one.
    "asgi-granian": ("granian", "--interface=asgi", "--host=127.0.0.1", "--port={port}", "{module}:{name}"),
}


#: The application of the tests that a server runs: wrapped in WSGI or in ASGI, or a Django project under ASGI.
APPLICATIONS = {
    **dict.fromkeys(COMMANDS, "tests.support.server_app:application"),
    **dict.fromkeys(("uvicorn", "hypercorn"), "tests.support.django_server_sites:asgi"),
    **dict.fromkeys(
        (name for name in COMMANDS if name.startswith("asgi-")), "tests.support.asgi_server_app:application"
    ),
}


def program(name: str) -> str:
    """Where *name* is: beside the interpreter that runs the tests, else on the PATH; see :func:`need`."""
    return need(str(Path(sys.executable).parent / name), name)


class Server(NamedTuple):
    """A server that runs in a process of its own, and writes to a log."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def stop(self, signal_number: int) -> None:
        """Send a signal, and wait for the server to end."""
        self.process.send_signal(signal_number)
        self.process.wait(TIMEOUT)


@contextmanager
def running(server: str, app: str, directory: Path, *options: str, **environ: str) -> Iterator[int]:
    """Run *app* ("module:name") under *server*, with *environ* on top; gives the port."""
    with started(server, app, directory, *options, **environ) as running_server:
        yield running_server.port


@contextmanager
def started(server: str, app: str, directory: Path, *options: str, **environ: str) -> Iterator[Server]:
    """Run *app* as :func:`running` does; gives the server, for tests that stop it."""
    module, _, name = app.partition(":")
    first, *rest = COMMANDS[server]
    command = [program(first), *(word.format(module=module, name=name, port=free_port()) for word in rest), *options]
    log = directory / f"{server}-{name}.log"
    # Servers of one user would share the socket that new versions of gunicorn are controlled by; old ones skip this.
    (directory / "gunicorn.conf.py").write_text("control_socket_disable = True\n")
    # A shell has its background jobs ignore Ctrl-C, and what ignores it here is ignored there.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=directory,
                env=_environment() | environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
    finally:
        signal.signal(signal.SIGINT, before)
    try:
        port = _wait_for_port(process, log)
        assert exchange(port, request("GET", "/")), log.read_text(errors="replace")
        yield Server(port, process, log)
    finally:
        _end(process)


def _environment() -> dict[str, str]:
    """Ours, with ``tests`` and the package under test on the path, and no options for the servers."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("GUNICORN_", "UWSGI_"))}
    root, package = Path(__file__).parents[2], Path(pixelmw.__file__).parents[1]
    return environment | {"PYTHONPATH": f"{root}{os.pathsep}{package}", "PYTHONUNBUFFERED": "1"}


def _wait_for_port(process: subprocess.Popen[bytes], log: Path) -> int:
    """The port that a server says it listens at."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        # Granian writes it down before it listens.
        if (found := _ADDRESS.search(log.read_bytes())) and _listens(int(found[1])):
            return int(found[1])
        time.sleep(0.02)
    raise AssertionError(f"{process.args!r} does not listen:\n{log.read_text(errors='replace')}")


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(TIMEOUT)
    except subprocess.TimeoutExpired:
        process_tree.kill(process.pid)  # its workers, too, would go on for a moment
        process.wait(TIMEOUT)


class _SilentHandler(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


@contextmanager
def serving(app: Callable[..., Any]) -> Iterator[int]:
    """Run *app*, an object of this process, on Werkzeug's threaded server; gives the port."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_SilentHandler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.port
    finally:
        server.shutdown()
        thread.join(TIMEOUT)
        server.server_close()


def request(method: str, target: str | bytes, *headers: str, body: bytes = b"") -> bytes:
    """A request with *target* exactly as spelled, the last one of its connection."""
    if isinstance(target, str):
        target = target.encode("ascii")
    if body:
        headers = (f"Content-Length: {len(body)}", *headers)
    lines = ["Host: pixel.example", "User-Agent: raw/1", *headers]
    if not any(line.startswith("Connection:") for line in lines):
        lines.append("Connection: close")
    return b"%s %s HTTP/1.1\r\n%s\r\n\r\n%s" % (method.encode(), target, "\r\n".join(lines).encode("latin-1"), body)


def exchange(port: int, *parts: bytes) -> bytes:
    """Send *parts*, each but the first once the server has said something, and read until it hangs up.

    A server that hangs up with some of the request unread resets the
    connection; what it had said by then still counts.
    """
    received = []
    with socket.create_connection(("127.0.0.1", port), TIMEOUT) as connection:
        for part in parts:
            if part is not parts[0]:
                received.append(connection.recv(65536))
            connection.sendall(part)
        with suppress(ConnectionResetError):
            received.extend(itertools.islice(iter(lambda: connection.recv(65536), b""), 10_000))
    return b"".join(received)


class Answer(NamedTuple):
    """An HTTP response, parsed."""

    status: int
    headers: HTTPMessage
    body: bytes


def parse(raw: bytes) -> Answer:
    """The response that *raw* is.

    The status is looked for in the first line, not only at its beginning:
    uWSGI echoes what it took for the protocol of a request with raw spaces.
    """
    stream = io.BytesIO(raw)
    status = _STATUS.search(stream.readline())
    assert status is not None, raw[:200]
    return Answer(int(status[1]), parse_headers(stream), stream.read())


def send(port: int, method: str, target: str | bytes, *headers: str, body: bytes = b"") -> Answer:
    """One request over a connection of its own."""
    return parse(exchange(port, request(method, target, *headers, body=body)))
