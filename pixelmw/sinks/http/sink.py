"""A sink that posts events to a RudderStack or Segment data plane."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence

from ...events import Event, rfc3339
from ..base import BatchSink, SinkError, Unavailable, Undeliverable, raise_failures
from ..encoding import encode, encode_each
from .data_plane import DataPlane

# Segment's documentation names limits of 32 KB an event and 500 KB a batch, but not whether a KB is 1,000 or 1,024
# bytes. Its Python client takes an event of 32 * 1024 bytes, and batches of 475,000. The smaller one is safe.
# RudderStack's limits are 32 KB and 4 MB. Segment answers 200 and drops what is over 2,500 events.
_MAX_EVENT_BYTES = 32 * 1000  # of JSON
_MAX_BATCH_BYTES = 500 * 1000  # of JSON
_MAX_BATCH_EVENTS = 2500

_Encoded = tuple[int, bytes]  # the place of an event in the batch, and its JSON


class HTTP(BatchSink):
    """Posts events to ``/v1/batch`` of a data plane, and returns once that has answered with a 2xx.

    A 2xx means that the data plane took the events. How safe they are then depends
    on the data plane: a RudderStack server has them in its database by then.
    Segment also answers 200 for events that it drops later, and shows these in
    its debugger. An event that is sent again, after ``Unavailable`` or by its
    client, has the same messageId, by which a data plane recognises it.

    A batch over 500 KB or 2,500 events is sent in several requests, in order.
    An event over 32 KB is undeliverable; the others are sent nevertheless.

    An answer such as 400, 413 or 422 is about what was sent: :class:`Undeliverable`. One such as 401, 403, 404, 405
    or 407 is about the write key, the URL or a proxy, and a 5xx about the data plane: :class:`Unavailable`, with what
    to do in its words. So a key that was replaced makes no dead letters.

    :param data_plane_url: the URL that ``/v1/batch`` is below, such as ``"https://api.segment.io"``.
    :param write_key: the write key of the source. No message shows it.
    :param timeout: seconds for all requests of a call, from connecting to the end of the last answer, however many
        addresses the host has. Only the time that the system takes to look up a name is not bounded.
    :param proxy: the URL of an HTTP proxy, such as ``"http://user:password@proxy.example:3128"``; or
        ``"environment"`` for what ``https_proxy``, ``http_proxy``, ``all_proxy`` and ``no_proxy`` name when the
        sink is made. By default, the environment is not looked at. No message shows a password.
    :raises ValueError: for a URL, a key or a timeout that cannot work.
    """

    lanes = 3  # with two, an answer takes a visitor twice as long

    def __init__(self, data_plane_url: str, write_key: str, *, timeout: float = 10.0, proxy: str | None = None) -> None:
        self.data_plane_url = data_plane_url
        self.timeout = timeout
        self._data_plane = DataPlane(data_plane_url, "/v1/batch", write_key, timeout, proxy)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.data_plane_url!r})"

    def write(self, events: Sequence[Event]) -> None:
        """Store all of *events*.

        :raises Undeliverable: if the data plane refuses the first request. Any of the events in it may be the reason.
        :raises Unavailable: if it does not take the first request now.
        :raises PartialFailure: if an event is too large, or a later request
            fails. If the data plane refused a later request with several
            events, and where the time is over, they count as not tried.
        """
        deadline = time.monotonic() + self.timeout
        fitting, refused = encode_each(_encode, events)
        failures: dict[int, Exception | None] = {**refused}
        requests = list(_split_into_requests(fitting.items()))
        for number, request in enumerate(requests):
            places = [place for place, _ in request]
            try:
                if (remaining := deadline - time.monotonic()) <= 0:
                    raise Unavailable(f"{self!r} took longer than {self.timeout:g} seconds")
                body = _request_body(json for _, json in request)
                self._data_plane.post(body, remaining, (events[place] for place in places))
            except SinkError as error:
                if number == 0:
                    raise
                is_known = len(request) == 1 or isinstance(error, Unavailable)
                failures.update(dict.fromkeys(places, error if is_known else None))
                failures.update((place, None) for later in requests[number + 1 :] for place, _ in later)
                break
        raise_failures(failures, len(events))

    def check(self, event: Event, encoded: bytes) -> None:
        """Look at the size of *event*.

        :raises Undeliverable: if it is over 32 KB.
        """
        _check_size(encoded)

    def close(self, timeout: float | None = None) -> None:
        """Close idle connections, which takes no time; the next event opens another."""
        self._data_plane.close()


def _encode(event: Event) -> bytes:
    json = encode(event)
    _check_size(json)
    return json


def _check_size(json: bytes) -> None:
    if len(json) > _MAX_EVENT_BYTES:
        raise Undeliverable(f"the event has {len(json)} bytes of JSON; a data plane takes {_MAX_EVENT_BYTES}")


def _request_body(events: Iterable[bytes]) -> bytes:
    return b'{"batch":[%b],"sentAt":"%b"}' % (b",".join(events), rfc3339(time.time()).encode())


_ENVELOPE_BYTES = len(_request_body([]))


def _split_into_requests(events: Iterable[_Encoded]) -> Iterator[list[_Encoded]]:
    """Yield the events of each request; a request is as large as it may be."""
    request: list[_Encoded] = []
    size = _ENVELOPE_BYTES
    for place, json in events:
        if request and (size + 1 + len(json) > _MAX_BATCH_BYTES or len(request) == _MAX_BATCH_EVENTS):
            yield request
            request, size = [], _ENVELOPE_BYTES
        size += len(json) + bool(request)  # with the comma in front
        request.append((place, json))
    if request:
        yield request
