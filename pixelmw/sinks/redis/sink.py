"""A sink that appends events to a Redis stream."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

try:
    import redis
    from redis.typing import EncodableT, FieldT
except ImportError as error:
    raise ImportError("pixelmw.sinks.redis needs the package redis: pip install pixelmw[redis]") from error

from ...events import Event
from ...system.fork import PerProcess
from ..base import BatchSink, PartialFailure, Unavailable
from ..encoding import encode, encode_each, required_message_id
from .connections import within
from .servers import Servers
from .verdicts import is_moved, verdict


class RedisStream(BatchSink):
    """Appends each event to a stream, as an entry with the fields ``messageId`` and ``event``, the whole event as JSON.

    When the call returns, the event is in the server's memory. It is on the
    server's disk too only with ``appendonly yes`` and ``appendfsync always``. By
    default, a server that is killed loses what came since its last snapshot; with
    ``appendfsync everysec``, a power cut costs a second or two. Replicas get the
    event later.

    A batch is one transaction: all of it is stored, in order and side by side,
    or nothing. If the connection breaks before the answer, nobody knows whether
    the events were stored, and they are sent again. They may then be there
    twice, with the same field ``messageId``. A server whose
    ``maxmemory-policy`` is not ``noeviction`` may delete the whole stream.

    A stream has one key, so in a Redis Cluster it is on one node. The URL may name
    any node; the sink finds the one that has the stream, also after a failover.

    Each process opens its own connections when it needs them.

    :param url: ``redis://``, ``rediss://`` (TLS) or ``unix://``, as redis-py
        takes it. Its query may hold more of redis-py's options.
    :param stream: the stream's key. The first event creates the stream.
    :param maxlen: about how many entries are kept, the newest (``MAXLEN ~``:
        there may be some more). ``None`` keeps all, until the server's memory is full.
    :param timeout: seconds for all that a call waits for: for a connection, to all addresses of the host together,
        for each answer, and for the nodes of a cluster. Only the time that the system takes to look up a name is not
        bounded.
    :raises PartialFailure: when called with a batch, if some events are not
        JSON or have no messageId; all others were stored.
    :raises Undeliverable: when called with such an event.
    :raises Unavailable: when called, if the server cannot be reached or
        refuses. Reasons to refuse are: no memory left, read-only, loading, a wrong
        password, a missing right, a key that holds something else. The message says what to do.
    """

    def __init__(self, url: str, stream: str, maxlen: int | None = None, *, timeout: float = 5.0) -> None:
        if maxlen is not None and maxlen < 1:
            raise ValueError(f"maxlen={maxlen!r} would keep nothing; None keeps all")
        if timeout <= 0:
            raise ValueError(f"timeout={timeout!r} is not a time to wait")
        self.stream = stream
        self.maxlen = maxlen
        self.timeout = timeout
        self._servers = PerProcess(lambda: Servers(url, timeout))
        try:
            self._servers.get()  # makes no connection yet
            parts = urlsplit(url)
        except ValueError:  # its message may hold a part of the URL
            raise ValueError("this is no URL that redis-py takes, such as redis://localhost:6379/0") from None
        # Without the part before the "@" and without the query, since both may hold a password.
        self._display_url = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._display_url!r}, {self.stream!r})"

    def write(self, events: Sequence[Event]) -> None:
        """Store all of *events* in one transaction, except those that the failure names."""
        entries, refused = encode_each(_stream_entry, events)
        if entries:
            servers = self._servers.get()
            try:
                with within(self.timeout):
                    self._append(servers, list(entries.values()))
            except (redis.RedisError, OSError) as error:
                servers.disconnect()  # the server may have become a replica
                # Without its cause, which may have the command, and so the event.
                raise self._unavailable(error, events) from None
        if refused:
            raise PartialFailure(refused)

    def close(self, timeout: float | None = None) -> None:
        """Close the connections; the next event opens new ones."""
        if (servers := self._servers.pop()) is not None:
            servers.disconnect()

    def _append(self, servers: Servers, entries: list[dict[FieldT, EncodableT]]) -> None:
        for may_move in (True, False):
            # The variable keeps the client alive: if another thread closes the sink meanwhile, the client would
            # otherwise be destroyed, and its connections with it.
            client = servers.client(self.stream)
            try:
                if len(entries) == 1:  # one command is a transaction by itself, at half the cost
                    client.xadd(self.stream, entries[0], maxlen=self.maxlen, approximate=True)
                    return
                with client.pipeline(transaction=True) as pipeline:
                    for entry in entries:
                        pipeline.xadd(self.stream, entry, maxlen=self.maxlen, approximate=True)
                    pipeline.execute()
                return
            except redis.RedisError as error:
                if not (may_move and is_moved(error)):
                    raise
                servers.follow()  # it has stored nothing

    def _unavailable(self, error: Exception, events: Sequence[Event]) -> Unavailable:
        return Unavailable(f"{self._display_url}: {verdict(error, self.stream, events)}")


def _stream_entry(event: Event) -> dict[FieldT, EncodableT]:
    json = encode(event)  # first: it also refuses a messageId that UTF-8 cannot hold
    return {"messageId": required_message_id(event), "event": json}
