"""Brokers that cannot be talked to: what an operator has to mend is told, where librdkafka only tries again."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from pixelmw.sinks import Unavailable
from pixelmw.sinks.kafka import Kafka
from tests.support.needs import need
from tests.support.processes import event

TIMEOUT = 20.0  # seconds, for what a test waits for


@contextmanager
def listening(greet: Callable[[socket.socket], object]) -> Iterator[int]:
    """Let *greet* have each connection, and close it; gives the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):  # the listener is closed
                while True:
                    connection, _ = listener.accept()
                    with closing(connection), suppress(OSError):
                        connection.settimeout(TIMEOUT)
                        greet(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(TIMEOUT)
    assert not thread.is_alive()


def assert_told(advice: str, servers: str, **options: Any) -> None:
    with (
        Kafka("pixels", bootstrap_servers=servers, message_timeout_ms=500, **options) as sink,
        pytest.raises(Unavailable, match=f"^{advice}"),
    ):
        sink(event("1"))


@pytest.mark.slow
def test_a_name_that_does_not_resolve_is_told() -> None:
    assert_told("the name of a broker cannot be resolved: mend bootstrap", "no..host:9092")


@pytest.mark.slow
def test_a_certificate_of_nobodys_is_told(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    words = [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-subj",
        "/CN=kafka",
    ]
    command = [need("openssl"), *words, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True, timeout=TIMEOUT)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def shake_hands(connection: socket.socket) -> None:
        context.wrap_socket(connection, server_side=True).close()

    with listening(shake_hands) as port:
        assert_told("no secure connection to the brokers: mend", f"127.0.0.1:{port}", security_protocol="ssl")


@pytest.mark.slow
def test_a_broker_that_does_not_speak_tls_is_told() -> None:
    with listening(lambda connection: connection.recv(1)) as port:
        assert_told("no secure connection to the brokers: mend", f"127.0.0.1:{port}", security_protocol="ssl")
