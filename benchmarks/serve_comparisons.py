"""What ``benchmarks/serve.py`` compares, by which servers."""

from __future__ import annotations

from typing import NamedTuple

import traffic

PIXEL = f"/pixel/v1/page?{traffic.ACCEPTED}"


class Comparison(NamedTuple):
    """What is compared, and under which load.

    :ivar contenders: the factories, by their names; ratios are to the first.
    :ivar interface: of the applications, ``wsgi`` or ``asgi``.
    :ivar target: what is asked for.
    :ivar pixel_connections: connections beside, to all but the first contender, that ask for a pixel meanwhile.
    """

    contenders: dict[str, str]
    interface: str
    workers: int
    threads: int
    connections: int
    target: str = PIXEL
    pixel_connections: int = 0


COMPARISONS = {
    "views": Comparison(
        {
            "floor": "contenders:floor",
            "ours": "contenders:ours",
            "Flask view": "contenders:flask_view",
            "Django view": "contenders:django_view",
        },
        interface="wsgi", workers=1, threads=4, connections=8,
    ),
    "sinks": Comparison(
        {
            "nothing": "storing:nothing",
            "JSONLines": "storing:jsonlines",
            "SQLite": "storing:sqlite",
            "Spool": "storing:spool",
            "SQL, PostgreSQL": "storing:postgresql",
        },
        interface="wsgi", workers=2, threads=32, connections=64,
    ),
    "asgi views": Comparison(
        {
            "floor": "storing_asgi:floor",
            "ours": "storing_asgi:nothing",
            "FastAPI view": "storing_asgi:fastapi_view",
        },
        interface="asgi", workers=2, threads=1, connections=64,
    ),
    "asgi sinks": Comparison(
        {
            "nothing": "storing_asgi:nothing",
            "JSONLines": "storing_asgi:jsonlines",
            "SQLite": "storing_asgi:sqlite",
            "Spool": "storing_asgi:spool",
            "SQL, PostgreSQL": "storing_asgi:postgresql",
            "FastAPI view, asyncpg": "storing_asgi:fastapi_asyncpg",
        },
        interface="asgi", workers=2, threads=1, connections=64,
    ),
    # How long the other paths of the host take, while eight clients ask for pixels, and the sink takes 50 ms.
    "asgi host": Comparison(
        {
            "unwrapped": "storing_asgi:floor",
            "50 ms in a thread": "storing_asgi:slow_thread",
            "50 ms awaited": "storing_asgi:slow_task",
            "50 ms for a batch": "storing_asgi:slow_batch",
            "by hand, awaited": "storing_asgi:slow_by_hand",
        },
        interface="asgi", workers=2, threads=1, connections=64, target="/", pixel_connections=8,
    ),
}  # fmt: skip
SERVERS = {
    "gunicorn": "gunicorn --worker-class=gthread --workers={workers} --threads={threads}"
    " --bind=127.0.0.1:{port} {factory}()",
    "granian": "granian --interface={interface} --workers={workers} --blocking-threads={threads} --port={port}"
    " --factory {factory}",
    "uvicorn": "uvicorn --workers={workers} --port={port} --no-access-log --factory {factory}",
}
# gunicorn speaks WSGI, uvicorn ASGI, and granian both.
SPEAKS = {"wsgi": ("gunicorn", "granian"), "asgi": ("uvicorn", "granian")}
