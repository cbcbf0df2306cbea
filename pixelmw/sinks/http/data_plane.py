"""One request to a data plane, and what its answer means."""

from __future__ import annotations

import gzip
import json
import math
import re
import time
from base64 import b64encode
from collections.abc import Iterable
from functools import partial
from urllib.parse import quote

from werkzeug.http import parse_date

from ..._version import __version__
from ...events import Event
from ...system.fork import PerProcess
from ..errors import SMALLEST_LIMIT, SinkError, Unavailable, Undeliverable
from ..words import server_words

try:
    import urllib3
except ImportError as error:
    raise ImportError("pixelmw.sinks.http needs urllib3: pip install pixelmw[http]") from error

from .answers import advice, blames_events, tunnel_refused
from .connection import Deadline, KeptConnection, make_pool
from .proxies import find_proxy, secrets_of

_MAX_ANSWER_BYTES = 65_536  # that are read; more of an answer is of no use
# RFC 9110 (10.2.3) has whole seconds only; some servers send a fraction, or less than 0.
_RETRY_AFTER_SECONDS = re.compile(r"-?[0-9]{1,10}(\.[0-9]{1,10})?")


class DataPlane:
    """Posts JSON to one URL, with a write key.

    :param url: an http or https URL, without credentials, query and fragment.
    :param path: the path below that URL to post to.
    :param timeout: seconds that a request will get.
    :param proxy: the URL of a proxy, ``"environment"``, or ``None``.
    :raises ValueError: if one of them cannot be right. The message quotes neither a URL nor the write key.
    """

    def __init__(self, url: str, path: str, write_key: str, timeout: float, proxy: str | None) -> None:
        self._url = _parse_url(url)
        self._path = (self._url.path or "").rstrip("/") + path
        _check_write_key(write_key)
        if not 0 < timeout < math.inf:
            raise ValueError(f"timeout is {timeout!r}: give a positive number of seconds")
        credentials = b64encode(f"{write_key}:".encode()).decode()
        # The forms in which a data plane might echo the write key.
        forms = {write_key, json.dumps(write_key)[1:-1], quote(write_key), quote(write_key, ""), credentials}
        found = find_proxy(self._url, proxy)
        self._secrets = sorted(forms | secrets_of(found), key=len, reverse=True)
        self._headers = {
            "Authorization": f"Basic {credentials}",
            "Content-Type": "application/json",
            "Content-Encoding": "gzip",
            "User-Agent": f"pixelmw/{__version__}",
        }
        # A proxy is told the whole URL, except where it opens a tunnel and sees nothing of the request.
        is_forwarded = found is not None and self._url.scheme == "http"
        self._target = str(self) if is_forwarded else self._path
        self._pools = PerProcess(partial(make_pool, self._url, found))

    def __str__(self) -> str:
        return self._url._replace(path=self._path).url

    def post(self, body: bytes, timeout: float, events: Iterable[Event]) -> None:
        """Return once the data plane has answered that it took *body*.

        :param timeout: seconds, from connecting to the end of the answer.
        :param events: those in *body*, of which no message shows a part.
        :raises Undeliverable: if it refused *body* for its content.
        :raises SinkError: if it ended the connection over a large *body*.
        :raises Unavailable: if it did not answer, or refused it for any other reason.
        """
        compressed, began = gzip.compress(body, 6, mtime=0), time.monotonic()
        try:
            response = self._pools.get().urlopen(
                "POST",
                self._target,
                body=compressed,
                headers=self._headers,
                timeout=Deadline(timeout),
                retries=False,
                redirect=False,
                assert_same_host=False,
                preload_content=False,
                decode_content=False,
            )
        except urllib3.exceptions.HTTPError as error:
            words = str(error)
            if (status := tunnel_refused(words)) is not None:
                raise Unavailable(f"the proxy before {self} answered {status}{advice(status)}") from None
            # A proxy that refuses a request for its size may end the connection before its answer was read.
            is_early = time.monotonic() - began < timeout / 2
            if isinstance(error, urllib3.exceptions.ProtocolError) and is_early and len(compressed) > SMALLEST_LIMIT:
                raise SinkError(f"{self} ended the connection: is this more than a proxy takes at once?") from None
            # Without its cause, which may quote what the other end sent.
            raise Unavailable(f"{self} did not answer: {self._shown(words, events)}") from None
        if response.status == 413 and isinstance(response.connection, KeptConnection):
            # RFC 9110 (15.5.14): the server may have read no more of the request, and end the connection.
            response.connection.use_no_more()
        answer = _read_beginning(response)
        if 200 <= response.status < 300:
            return
        if blames_events(response.status):
            words = self._shown(answer.decode(errors="replace"), events)
            raise Undeliverable(f"{self} answered {response.status}: {words}")
        pause = parse_retry_after(response.headers.get("Retry-After"), time.time())
        raise Unavailable(f"{self} answered {response.status}{advice(response.status)}", retry_after=pause)

    def close(self) -> None:
        """Close the connections of this process that are idle."""
        if (pool := self._pools.pop()) is not None:
            pool.close()

    def _shown(self, words: str, events: Iterable[Event]) -> str:
        for secret in self._secrets:
            words = words.replace(secret, "***")
        return server_words(words, events, all_lines=True)


def parse_retry_after(value: str | None, now: float) -> float | None:
    """Return the seconds that a ``Retry-After`` asks for, at least 0, or ``None`` if it makes no sense.

    :param value: seconds, or a date in one of the forms of RFC 9110 (5.6.7).
    :param now: seconds since the epoch.
    """
    value = (value or "").strip()
    if _RETRY_AFTER_SECONDS.fullmatch(value):
        return max(0.0, float(value))
    try:
        date = parse_date(value)
    except OverflowError:  # a year, an hour or a zone of many digits
        date = None
    return None if date is None else max(0.0, date.timestamp() - now)


def _parse_url(url: str) -> urllib3.util.Url:
    try:
        parsed = urllib3.util.parse_url(url)
    except ValueError:
        parsed = urllib3.util.Url()
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.auth or parsed.query or parsed.fragment:
        raise ValueError('data_plane_url must be a plain http or https URL, such as "https://data-plane.example"')
    return parsed


def _check_write_key(write_key: str) -> None:
    if not isinstance(write_key, str) or not write_key.strip():
        raise ValueError("write_key is blank: give the source's write key")
    if ":" in write_key:  # RFC 7617: the user name would end there
        raise ValueError("write_key has a colon, which Basic authentication cannot transmit")


def _read_beginning(response: urllib3.BaseHTTPResponse) -> bytes:
    """Return the beginning of the body, as far as it came. The connection is kept only if that is all of it."""
    try:
        return response.read(_MAX_ANSWER_BYTES)
    except (urllib3.exceptions.HTTPError, OSError):
        return b""
    finally:
        response.close()
        response.release_conn()
