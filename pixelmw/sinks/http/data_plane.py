"""One request to a data plane, which is over by a deadline, and what its answer means."""

from __future__ import annotations

import gzip
import http.client
import io
import json
import math
import re
import time
from base64 import b64encode
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import partial
from socket import socket
from typing import Any
from urllib.parse import quote

from ..._version import __version__
from ...system.fork import PerProcess
from ..base import Unavailable, Undeliverable

try:
    import urllib3
    from urllib3.connection import HTTPConnection, HTTPSConnection
except ImportError as error:
    raise ImportError("pixelmw.sinks.http needs urllib3: pip install pixelmw[http]") from error

_CONNECTIONS = 64  # that are kept for the next request; more threads than these open more
_MOST_ANSWER = 65_536  # bytes of an answer that are read
_MOST_QUOTED = 200  # characters of it, in a message
_LATER = {408, 425, 429}  # RFC 9110 (15.5.9), RFC 8470, RFC 6585
_SECONDS = re.compile(r"-?[0-9]{1,10}(\.[0-9]{1,10})?")


class DataPlane:
    """Posts JSON to one URL, with a write key.

    :param url: an http or https URL, without credentials, query and fragment.
    :param path: what is asked for below that URL.
    :param timeout: seconds from the first attempt to connect to the end of the answer.
    :raises ValueError: for what cannot be one of those. What was given is not quoted: it may be the write key.
    """

    def __init__(self, url: str, path: str, write_key: str, timeout: float) -> None:
        self._url = _parse(url)
        self._path = (self._url.path or "").rstrip("/") + path
        _check_key(write_key)
        if not 0 < timeout < math.inf:
            raise ValueError(f"timeout is {timeout!r}: give a positive number of seconds")
        credentials = b64encode(f"{write_key}:".encode()).decode()
        # What a data plane might echo.
        forms = {write_key, json.dumps(write_key)[1:-1], quote(write_key), quote(write_key, ""), credentials}
        self._secrets = sorted(forms, key=len, reverse=True)
        self._headers = {
            "Authorization": f"Basic {credentials}",
            "Content-Type": "application/json",
            "Content-Encoding": "gzip",
            "User-Agent": f"pixelmw/{__version__}",
        }
        self._pools = PerProcess(partial(_pool, self._url, timeout))

    def __str__(self) -> str:
        return self._url._replace(path=self._path).url

    def post(self, body: bytes) -> None:
        """Return once the data plane has answered that it took *body*.

        :raises Unavailable: where it did not answer, or said that another time may be better.
        :raises Undeliverable: where it refused *body*.
        """
        try:
            response = self._pools.get().urlopen(
                "POST",
                self._path,
                body=gzip.compress(body, 6, mtime=0),
                headers=self._headers,
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
        except urllib3.exceptions.HTTPError as error:
            # Without its cause, which may quote what the other end sent.
            raise Unavailable(f"{self} did not answer: {self._masked(str(error))}") from None
        answer = _read(response)
        if 200 <= response.status < 300:
            return
        if 400 <= response.status < 500 and response.status not in _LATER:
            raise Undeliverable(f"{self} answered {response.status}: {self._masked(answer.decode(errors='replace'))}")
        hint = "; is the URL right?" if 300 <= response.status < 400 else ""
        pause = retry_after(response.headers.get("Retry-After"), time.time())
        raise Unavailable(f"{self} answered {response.status}{hint}", retry_after=pause)

    def close(self) -> None:
        """Close the connections of this process that are idle."""
        if (pool := self._pools.pop()) is not None:
            pool.close()

    def _masked(self, text: str) -> str:
        text = "".join(char if char.isprintable() else " " for char in text)
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text[:_MOST_QUOTED]


def retry_after(value: str | None, now: float) -> float | None:
    """The seconds that a ``Retry-After`` asks for, at least 0; ``None`` where it makes no sense.

    :param value: seconds, or a date as HTTP has it.
    :param now: seconds since the epoch.
    """
    value = (value or "").strip()
    if _SECONDS.fullmatch(value):
        return max(0.0, float(value))
    try:
        date = parsedate_to_datetime(value)
        if date.tzinfo is None:  # RFC 9110, 5.6.7: the form without a zone is in UTC, too
            date = date.replace(tzinfo=UTC)
        return max(0.0, date.timestamp() - now)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


class _Answer(http.client.HTTPResponse):
    """An answer that has the socket's timeout for all of itself, not for each read."""

    def __init__(self, sock: socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp = io.BufferedReader(_Timely(sock, self.fp.detach()))


class _Timely(io.RawIOBase):
    def __init__(self, sock: socket, raw: io.RawIOBase) -> None:
        self._sock = sock
        self._raw = raw
        timeout = sock.gettimeout()
        self._deadline = math.inf if timeout is None else time.monotonic() + timeout

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer took too long")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _HTTP(HTTPConnection):
    response_class = _Answer


class _HTTPS(HTTPSConnection):
    response_class = _Answer


def _pool(url: urllib3.util.Url, timeout: float) -> urllib3.HTTPConnectionPool:
    limit = urllib3.Timeout(total=timeout)
    pool = urllib3.connection_from_url(url.url, timeout=limit, maxsize=_CONNECTIONS)
    pool.ConnectionCls = _HTTPS if url.scheme == "https" else _HTTP
    return pool


def _parse(url: str) -> urllib3.util.Url:
    try:
        parsed = urllib3.util.parse_url(url)
    except ValueError:
        parsed = urllib3.util.Url()
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.auth or parsed.query or parsed.fragment:
        raise ValueError('data_plane_url must be a plain http or https URL, such as "https://data-plane.example"')
    return parsed


def _check_key(write_key: str) -> None:
    if not isinstance(write_key, str) or not write_key.strip():
        raise ValueError("write_key is blank: give the source's write key")
    if ":" in write_key:  # RFC 7617: the user's name would end there
        raise ValueError("write_key has a colon, which Basic authentication cannot transmit")


def _read(response: urllib3.BaseHTTPResponse) -> bytes:
    """The beginning of the body, as far as it came; the connection is kept only if that was all."""
    try:
        return response.read(_MOST_ANSWER)
    except (urllib3.exceptions.HTTPError, OSError):
        return b""
    finally:
        response.close()
        response.release_conn()
