"""Certificates of a test's own, for TLS on loopback."""

from __future__ import annotations

from pathlib import Path
from subprocess import run

from tests.support.needs import need


def make_certificate(directory: Path) -> Path:
    """Make a key and a certificate for 127.0.0.1, in one file of *directory*."""
    path, certificate = directory / "server.pem", directory / "certificate.pem"
    run(
        [need("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", path, "-out", certificate, "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    path.write_bytes(path.read_bytes() + certificate.read_bytes())
    return path
