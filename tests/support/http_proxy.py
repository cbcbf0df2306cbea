"""An HTTP proxy on loopback: it passes requests on, or opens tunnels, and may want a password."""

from __future__ import annotations

import http.client
import select
import socket
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class HTTPProxy(ThreadingHTTPServer):
    """Passes on what it gets, whatever host it is for, to the port that is named.

    :ivar login: the user and the password that it wants, with a colon between, or "".
    :ivar refusal: the status with which it answers every request instead, or 0.
    :ivar hangs: True to say nothing at all.
    :ivar passed: the targets of the requests that it passed on.
    """

    def __init__(self, login: str = "") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.login = login
        self.refusal = 0
        self.hangs = False
        self.passed: list[str] = []
        self.over = threading.Event()

    @property
    def url(self) -> str:
        """Its URL, with the user and the password."""
        return f"http://{self.login}{'@' * bool(self.login)}127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Keep quiet: a client that goes away is no error."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: HTTPProxy

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self._is_refused():
            return
        target = urlsplit(self.path)
        headers = {name: value for name, value in self.headers.items() if not name.startswith("Proxy-")}
        onward = http.client.HTTPConnection("127.0.0.1", target.port or 80, timeout=20)
        onward.request("POST", target.path, body, headers)
        answer = onward.getresponse()
        said = answer.read()
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)
        onward.close()

    def do_CONNECT(self) -> None:
        if self._is_refused():
            return
        port = int(self.path.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=20) as far:
            self.send_response(200)
            self.end_headers()
            near = self.connection
            while not self.server.over.is_set():
                for ready in select.select([near, far], [], [], 0.1)[0]:
                    if not (data := ready.recv(65536)):
                        self.close_connection = True
                        return
                    (far if ready is near else near).sendall(data)

    def _is_refused(self) -> bool:
        if self.server.hangs:
            self.server.over.wait(30)
            self.close_connection = True
            return True
        wanted = f"Basic {b64encode(self.server.login.encode()).decode()}"
        status = self.server.refusal or (407 if self.server.login else 0)
        if self.server.refusal or (status and self.headers["Proxy-Authorization"] != wanted):
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return True
        self.server.passed.append(self.path)
        return False

    def log_message(self, *args: object) -> None:
        """Keep the output of the tests clean."""


@contextmanager
def http_proxy(login: str = "") -> Iterator[HTTPProxy]:
    """Run a proxy in this process."""
    with HTTPProxy(login) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield proxy
        finally:
            proxy.over.set()
            proxy.shutdown()
            thread.join(20)
