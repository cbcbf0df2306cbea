"""How memory grows under hostile requests; runs in a process of its own."""

from __future__ import annotations

import gc
import tracemalloc
from itertools import count, cycle, islice

from werkzeug.test import create_environ, run_wsgi_app

from tests.support.pixel import Pixel

TRACK = "/pixel/v1/track"
BASE = "writeKey=k&anonymousId=a&event=e"
QUERIES = [
    BASE,
    "writeKey.x=1",
    "n" * 300,
    f"{BASE}&n=x%0D%0A",
    "a." * 16_000,
    "a&" * 10_000,
    "a.999999999=x",
    f"{BASE}&n={'9' * 5000}",
    "%FF=%00&" * 200,
    *(f"{BASE}&{'.'.join('abcdefghij')}{number}=x&{number}=1" for number in range(50)),
]


def growth_of_rounds(shell: type[Pixel]) -> list[int]:
    """By how many bytes memory grows in each of three rounds of 1,000 hostile requests, once its caches are full."""
    schema = {"properties": {"n": {"type": "integer"}}}
    pixel = shell(sink=lambda event: None, on_reject=lambda refusal: None, schemas={"track": schema}, reply="auto")
    app = pixel.client.application  # past the client, which takes more memory and time than the middleware
    numbers = count()

    def growth(requests: int) -> int:
        before = tracemalloc.get_traced_memory()[0]
        for query in islice(cycle(QUERIES), requests):
            environ = {**create_environ(TRACK), "QUERY_STRING": f"{query}&u{next(numbers)}"}  # no two are alike
            assert run_wsgi_app(app, environ, buffered=True)[1][:3] in ("200", "400", "401", "414")
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - before

    tracemalloc.start()
    growth(1000)
    rounds = [growth(1000) for _ in range(3)]
    assert pixel.get(TRACK, BASE).status_code == 200
    return rounds
