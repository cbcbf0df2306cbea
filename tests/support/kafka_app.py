"""The application behind a server whose Kafka is troubled: one pixel for each way to Kafka, each with its own topic."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from werkzeug.wrappers import Response

from pixelmw import PixelMiddleware
from pixelmw.delivery import Background, Retry, Spool
from pixelmw.sinks.kafka import Kafka
from tests.support.kafka_topics import USER

_DIRECTORY = Path(os.environ["PIXELMW_TEST_DIRECTORY"])
_PASSWORD = os.environ.get("PIXELMW_TEST_PASSWORD")
_LOGIN = {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "PLAIN", "sasl_username": USER}
_QUICK = Retry(cap=1.0)  # seconds; the tests wait for the first try after the trouble


def _kafka(way: str) -> Kafka:
    topic = f"{os.environ['PIXELMW_TEST_TOPIC']}-{way}"
    options: dict[str, Any] = {"message_timeout_ms": int(os.environ["PIXELMW_TEST_TIMEOUT"])}
    options |= {"reconnect_backoff_max_ms": 500}
    if _PASSWORD:
        options |= {**_LOGIN, "sasl_password": _PASSWORD}
    return Kafka(topic, bootstrap_servers=os.environ["PIXELMW_TEST_SERVERS"], **options)


application: Any = Response("host\n")
for _path, _sink in {
    "direct": _kafka("direct"),
    "spooled": Spool(_DIRECTORY / "spool", _kafka("spooled"), retry=_QUICK),
    "background": Background(_kafka("background"), retry=_QUICK),
}.items():
    application = PixelMiddleware(application, _sink, paths={f"/{_path}": "track"})
