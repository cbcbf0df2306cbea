"""The properties of a Kafka producer: how they are spelled, and which of them the sink must set itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")  # the names that Kafka allows

_DEFAULTS = {
    "acks": "all",
    "enable.idempotence": True,
    # Kafka needs 9 seconds to find a broker dead (broker.session.timeout.ms), and up to 4 more to elect a controller
    # and a leader. Of three brokers, a leader and then the controller killed: with 10 seconds, 10 of 3,474 events
    # were refused, and 6 of those were stored all the same; with 15 seconds none of 4,168, and the longest wait was 12
    # seconds.
    "message.timeout.ms": 15_000,
    # For so long, a topic that is missing may be one that not every broker knows yet. librdkafka's own 30 seconds are
    # longer than the timeout of a message, whose report would then not say what is wrong.
    "topic.metadata.propagation.max.ms": 3000,
    # librdkafka's own, which the sink has to know. A broker's own limit for a set of messages is 1,048,588 bytes.
    "message.max.bytes": 1_000_000,
}
_ALIASES = {
    "metadata.broker.list": "bootstrap.servers",
    "request.required.acks": "acks",
    "delivery.timeout.ms": "message.timeout.ms",
    "queue.buffering.max.ms": "linger.ms",
}
# The names that librdkafka itself spells with underscores, besides callbacks.
_SPELLED_WITH_UNDERSCORES = {"enable_sasl_queue", "enabled_events", "log_level"}
# With one of these there would be no report for each event, or it would go elsewhere.
_RESERVED = {"delivery.report.only.error", "dr_cb", "dr_msg_cb", "on_delivery", "transactional.id"}
_TRUE_WORDS = {"true", "t", "1"}  # as librdkafka reads a boolean


def check_topic(topic: str) -> str:
    """Return *topic*, or raise ``ValueError`` if no topic can have that name."""
    if not _TOPIC.fullmatch(topic):
        raise ValueError(f"topic is {topic!r}: give 1 to 249 of the characters A-Z, a-z, 0-9, '.', '_' and '-'")
    return topic


def producer_properties(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return *config* as librdkafka spells it, with the sink's defaults.

    :raises ValueError: if the sink could not know with these that an event is stored.
    """
    given = _with_dots(config)
    if not given.get("bootstrap.servers"):
        raise ValueError('bootstrap.servers is missing: give the brokers, such as bootstrap_servers="broker:9092"')
    if reserved := sorted(_RESERVED & given.keys()):
        raise ValueError(f"{reserved[0]} cannot be set: the sink itself takes a delivery report for each event")
    properties = {**_DEFAULTS, **given}
    if str(properties["acks"]) not in ("all", "-1"):
        raise ValueError(f"acks is {properties['acks']!r}: an event is stored only with acks=all")
    if str(properties["enable.idempotence"]).lower() not in _TRUE_WORDS:
        raise ValueError("enable.idempotence is off: without it, retries may store events twice or out of order")
    _check_timeout(properties["message.timeout.ms"])
    return properties


def _with_dots(config: Mapping[str, Any]) -> dict[str, Any]:
    spellings: dict[str, str] = {}
    for name in config:
        dotted = name
        if "." not in name and not name.endswith("_cb") and name not in _SPELLED_WITH_UNDERSCORES | _RESERVED:
            dotted = name.replace("_", ".")
        dotted = _ALIASES.get(dotted, dotted)
        if dotted in spellings:
            raise ValueError(f"{spellings[dotted]} and {name} are the same property: give one of them")
        spellings[dotted] = name
    return {dotted: config[name] for dotted, name in spellings.items()}


def _check_timeout(milliseconds: Any) -> None:
    try:
        is_bound = int(milliseconds) > 0
    except (TypeError, ValueError):
        is_bound = False
    if not is_bound:  # to librdkafka, 0 means for ever
        raise ValueError(f"message.timeout.ms is {milliseconds!r}: give a positive number of milliseconds")
