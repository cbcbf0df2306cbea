"""A name server that does not answer holds up nobody for longer than a message may take, though librdkafka waits."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.needs import need
from tests.support.processes import run

# In place of the system's: getaddrinfo waits for a server that does not answer.
_RESOLVER = """
#include <netdb.h>
#include <unistd.h>

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
    sleep(20);
    return EAI_AGAIN;
}
"""
_STORE = """
import os, sys, time
if sys.argv[1] == "gevent":
    from gevent import monkey
    monkey.patch_all()
from pixelmw.sinks import Unavailable
from pixelmw.sinks.kafka import Kafka

def timed(call, *arguments):
    start = time.monotonic()
    try:
        call(*arguments)
    except Unavailable:
        pass
    print(time.monotonic() - start, flush=True)

sink = Kafka("pixels", bootstrap_servers="kafka.example:9092", message_timeout_ms=1000)
for _ in range(3):  # the second takes the producer with it
    timed(sink, {"messageId": "1"})
timed(sink.close)
os._exit(0)
"""


@pytest.mark.slow
@pytest.mark.parametrize("under", ["threads", "gevent"])
def test_neither_a_visitor_nor_close_waits_for_a_name_server(tmp_path: Path, under: str) -> None:
    source, library = tmp_path / "resolver.c", tmp_path / "resolver.so"
    source.write_text(_RESOLVER)
    subprocess.run([need("gcc"), "-shared", "-fPIC", "-o", library, source], check=True, timeout=60)
    *calls, close = map(float, run(_STORE, under, under=["env", f"LD_PRELOAD={library}"]))
    assert len(calls) == 3
    assert max(calls) < 5  # seconds: message.timeout.ms, two more, and what a busy machine takes
    assert close < 3
