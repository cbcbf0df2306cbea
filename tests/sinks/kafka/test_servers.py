"""Three ways to Kafka under gunicorn, which is stopped, reloaded and recycled under load: all that it took arrives."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pixelmw.delivery import Spool
from tests.support.loads import Load
from tests.support.servers import started
from tests.support.tansu import Tansu, tansu

pytestmark = pytest.mark.slow

WAYS = ("direct", "spooled", "background")
MORE = 40  # events of each way that are acknowledged between two signals


@pytest.fixture(scope="module")
def broker() -> Iterator[Tansu]:
    with tansu() as running:
        yield running


@pytest.mark.parametrize(
    ("server", "reloads", "options"),
    [
        ("gunicorn-gthread", 3, ()),
        ("gunicorn-gevent", 0, ()),
        ("gunicorn-preload", 0, ()),
        ("gunicorn-max-requests", 0, ("--max-requests=150",)),  # 50 would all be of the quick ways,
    ],
)
def test_what_was_acknowledged_arrives(
    broker: Tansu, tmp_path: Path, server: str, reloads: int, options: tuple[str, ...]
) -> None:
    topics = {way: f"{server}-{way}" for way in WAYS}
    environ = {
        "PIXELMW_TEST_DIRECTORY": str(tmp_path),
        "PIXELMW_TEST_SERVERS": broker.bootstrap_servers,
        "PIXELMW_TEST_TIMEOUT": "15000",
        "PIXELMW_TEST_TOPIC": server,
    }
    for topic in topics.values():
        broker.create_topic(topic, 3)
    with ExitStack() as stack:
        running = stack.enter_context(
            started(server, "tests.support.kafka_app:application", tmp_path, *options, **environ)
        )
        loads = {way: stack.enter_context(Load(running.port, clients=2, path=f"/{way}", pause=0.02)) for way in WAYS}
        for _ in range(reloads):
            for load in loads.values():
                load.wait_for(MORE)
            running.process.send_signal(signal.SIGHUP)
        for load in loads.values():
            load.wait_for(MORE)
        running.stop(signal.SIGTERM)
    if server == "gunicorn-max-requests":
        assert "Autorestarting worker" in running.log.read_text()
    left: list[str] = []
    with Spool(tmp_path / "spool", lambda event: left.append(event["messageId"])) as spool:
        assert spool.flush(30)
    for way, load in loads.items():
        assert set(load.acknowledged) - {*broker.ids(topics[way]), *(left if way == "spooled" else ())} == set(), way
