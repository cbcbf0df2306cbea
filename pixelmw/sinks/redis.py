"""A sink that appends events to a Redis stream."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

try:
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry
    from redis.typing import EncodableT, FieldT
except ImportError as error:
    raise ImportError("pixelmw.sinks.redis needs the package redis: pip install pixelmw[redis]") from error

from ..events import Event
from ..system.fork import PerProcess
from .base import BatchSink, PartialFailure, Unavailable
from .encoding import encode, encode_each, required_message_id


class RedisStream(BatchSink):
    """Appends each event to a stream, as an entry with the fields ``messageId`` and ``event``, the whole event as JSON.

    An event is in the server's memory when this returns. Only with ``appendonly
    yes`` and ``appendfsync always`` is it on its disk, too: by default, a
    server that is killed loses what came since its last snapshot, and with
    ``appendfsync everysec`` a power cut costs a second or two. Replicas get
    it later.

    A batch is one transaction: all of it is stored, in order and side by
    side, or nothing. An event of which nobody knows whether it was stored
    (the connection broke before the answer) is one to send again, so that
    it may be there twice: consumers tell by the field ``messageId``. A server
    whose ``maxmemory-policy`` is not ``noeviction`` may throw the whole stream away.

    Connections are opened when they are needed, in each process its own.

    :param url: ``redis://``, ``rediss://`` (TLS) or ``unix://``, as redis-py
        takes it; its query may hold more of redis-py's options.
    :param stream: the stream's key; the first event makes it.
    :param maxlen: about how many entries are kept, the newest (``MAXLEN ~``:
        there may be some more). ``None`` keeps all, until the server's memory is full.
    :param timeout: seconds to wait for a connection, and for each answer.
    :raises PartialFailure: when called with a batch, where events are not JSON
        or have no messageId; all others were stored.
    :raises Undeliverable: when called with such an event.
    :raises Unavailable: when called, where the server cannot be reached or refuses: no memory left, read-only,
        loading, a password that is wrong, a key that holds something else.
    """

    def __init__(self, url: str, stream: str, maxlen: int | None = None, *, timeout: float = 5.0) -> None:
        if maxlen is not None and maxlen < 1:
            raise ValueError(f"maxlen={maxlen!r} would keep nothing; None keeps all")
        if timeout <= 0:
            raise ValueError(f"timeout={timeout!r} is not a time to wait")
        self.stream = stream
        self.maxlen = maxlen
        self.timeout = timeout
        self._url = url
        self._clients = PerProcess(self._make_client)
        try:
            self._clients.get()  # connects to nothing yet
            parts = urlsplit(url)
        except ValueError:  # whose words may hold some of the URL
            raise ValueError("this is no URL that redis-py takes, such as redis://localhost:6379/0") from None
        # What stands before the "@", and in the query, may be secret.
        self._shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._shown!r}, {self.stream!r})"

    def write(self, events: Sequence[Event]) -> None:
        """Store all of *events* in one transaction, but for those that are not JSON, which the failure names."""
        entries, refused = encode_each(_stream_entry, events)
        if entries:
            try:
                self._append(list(entries.values()))
            except (redis.RedisError, OSError) as error:
                self.close()  # a connection may lead to what is a replica by now
                raise Unavailable(f"{self._shown}: {error}") from error
        if refused:
            raise PartialFailure(refused)

    def close(self, timeout: float | None = None) -> None:
        """Close the connections; the next event opens new ones."""
        client = self._clients.pop()
        if client is not None:
            client.connection_pool.disconnect(inuse_connections=False)  # one in use ends with the call that uses it

    def _append(self, entries: list[dict[FieldT, EncodableT]]) -> None:
        client = self._clients.get()  # to be held: with its end, if another thread closes the sink, the connections end
        with client.pipeline(transaction=True) as pipeline:
            for entry in entries:
                pipeline.xadd(self.stream, entry, maxlen=self.maxlen, approximate=True)
            pipeline.execute()

    def _make_client(self) -> redis.Redis:
        return redis.Redis.from_url(
            self._url,
            socket_connect_timeout=self.timeout,
            socket_timeout=self.timeout,
            # To send a transaction again that may have been stored is not for the client to decide.
            retry=Retry(NoBackoff(), 0),
        )


def _stream_entry(event: Event) -> dict[FieldT, EncodableT]:
    json = encode(event)  # first, since it refuses what would be no messageId either
    return {"messageId": required_message_id(event), "event": json}
