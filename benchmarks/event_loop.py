"""How long the heaviest requests that the limits allow hold an event loop that another task uses, too.

Run it as ``python -m benchmarks.event_loop``. It prints, for each request, the most
milliseconds between two turns of a task that wants one all the time: the median
of several rounds, and the least. A busy machine adds to the median.
"""

from __future__ import annotations

import asyncio
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import MutableMapping
from statistics import median
from typing import Any

from pixelmw import SEGMENT_PATHS, Event, TrackingPlan
from pixelmw.asgi import PixelASGI

from .traffic import ACCEPTED

ROUNDS = 15
_WHO = "writeKey=k&anonymousId=a&event=Paid"


def _parameters(name: str, value: str = "1", count: int = 250) -> str:
    return "&".join([_WHO, *(f"{name.format(n)}={value}" for n in range(count))])


def _data(value: object) -> str:
    return (
        "data="
        + urlsafe_b64encode(
            json.dumps({"writeKey": "k", "anonymousId": "a", "event": "Paid", "p": value}).encode()
        ).decode()
    )


#: By what is heavy about it, a query of up to 32 KB.
QUERIES = {
    "ordinary: a page view with 18 parameters": ACCEPTED,
    "250 parameters of 90 characters": _parameters("properties.group{0}.name{0}", "a+value+" * 11),
    "250 names of ten segments": _parameters(".".join(["p", *["s{0}"] * 9])),
    "250 lists": _parameters("properties.l{0}.0"),
    "250 properties in place of a number": _parameters("context.screen.width.n{0}", "x"),
    "250 wrong types": _parameters("context.screen.density.{0}", "x"),
    "250 unknown values of a plan": _parameters("properties.total{0}", "not+a+number"),
    "30,000 escapes": f"{_WHO}&properties.text={'%e2%82%ac' * 3_300}",
    "30,000 blanks in place of a number": f"{_WHO}&context.screen.width={'+' * 30_000}",
    "30,000 digits": f"{_WHO}&context.screen.width={'9' * 30_000}",
    "30,000 characters for a pattern": f"{_WHO}&properties.mail={'a.' * 15_000}",
    "100 texts that a pattern may match in many ways": _parameters("properties.words{0}", "x" * 227 + "!", 100),
    "30,000 ampersands": f"{_WHO}{'&' * 30_000}",
    "32 KB of JSON in data, 250 values": _data([{"n": "a value " * 10} for _ in range(250)]),
    "32 KB of JSON in data, one text": _data("x" * 23_000),
    "24 KB of brackets in data": "data=" + urlsafe_b64encode(b"[" * 24_000).decode(),
    "refused: 32 KB and a byte": f"{_WHO}&x={'x' * 32_768}",
}
_LONG_HEADERS = [(name, b"x" * 8000) for name in (b"referer", b"user-agent", b"accept-language", b"accept", b"cookie")]
#: By what is added to the name of the request. Servers bound the bytes of all headers together, some not at all.
HEADERS = {"": [], ", and long headers": _LONG_HEADERS, ", and 10,000 headers of one name": [(b"a", b"b")] * 10_000}

#: The second pattern can match a text in many ways: ``Limits.pattern_steps`` bounds what a search for them may cost.
_PROPERTIES = {
    "mail": {"pattern": r"^[a-z.]+@[a-z.]+\.[a-z]{2,}$"},
    **{f"total{n}": {"type": "number"} for n in range(250)},
    **{f"words{n}": {"pattern": "^[A-Za-z]+ ?[A-Za-z]+ ?[A-Za-z]+$"} for n in range(100)},
}
PLAN = TrackingPlan({"Paid": {"properties": _PROPERTIES}})


async def _host(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
    raise AssertionError("each request is a pixel's")


async def _longest_hold(app: PixelASGI, query: str, headers: list[tuple[bytes, bytes]]) -> float:
    """The most seconds between two turns of a ticking task while one request is answered."""
    path = "/v1/pixel/track" if query.startswith("data=") else "/pixel/v1/track"
    scope = {"type": "http", "method": "GET", "path": path, "query_string": query.encode(), "headers": headers}
    is_over = False
    longest = 0.0

    async def tick() -> None:
        nonlocal longest
        last = time.perf_counter()
        while not is_over:
            await asyncio.sleep(0)
            now = time.perf_counter()
            longest, last = max(longest, now - last), now

    async def send(message: object) -> None:
        pass

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0)
    await app(scope, send, send)
    is_over = True
    await ticking
    return longest


async def main() -> None:
    events: list[Event] = []
    app = PixelASGI(
        _host,
        events.append,
        plan=PLAN,
        paths={"/pixel/v1/track": "track"} | SEGMENT_PATHS,
        on_reject=lambda refused: None,
    )
    print(f"{'milliseconds between two turns':80}{'median':>8}{'least':>8}")
    for name, query in QUERIES.items():
        for more, headers in HEADERS.items():
            holds = [1000 * await _longest_hold(app, query, headers) for _ in range(ROUNDS)]
            print(f"{name + more:80}{median(holds):8.2f}{min(holds):8.2f}")


if __name__ == "__main__":
    asyncio.run(main())
