"""The properties of a Kafka producer: how they are spelled, and which the sink's promise needs."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")  # what Kafka lets a topic be called

# What the producer keeps until somebody fetches it is sent in one request with all that came meanwhile, so that
# librdkafka's own linger of 5 ms would only be a delay.
_DEFAULTS = {"acks": "all", "enable.idempotence": True, "message.timeout.ms": 10_000, "linger.ms": 0}
_ALIASES = {
    "metadata.broker.list": "bootstrap.servers",
    "request.required.acks": "acks",
    "delivery.timeout.ms": "message.timeout.ms",
    "queue.buffering.max.ms": "linger.ms",
}
# What librdkafka itself spells with underscores, callbacks apart.
_UNDERSCORED = {"enable_sasl_queue", "enabled_events", "log_level"}
# With these there would be no report for each event, or it would go elsewhere.
_NOT_OURS = {"delivery.report.only.error", "dr_cb", "dr_msg_cb", "on_delivery", "transactional.id"}
_TRUE = {"true", "t", "1"}  # as librdkafka reads it


def check_topic(topic: str) -> str:
    """*topic*, if it can be one."""
    if not _TOPIC.fullmatch(topic):
        raise ValueError(f"topic is {topic!r}: give 1 to 249 of the characters A-Z, a-z, 0-9, '.', '_' and '-'")
    return topic


def check_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """*config* as librdkafka spells it, with defaults.

    :raises ValueError: where the sink could not keep its promise with it.
    """
    given = _spelled_out(config)
    if not given.get("bootstrap.servers"):
        raise ValueError('bootstrap.servers is missing: give the brokers, such as bootstrap_servers="broker:9092"')
    if unwelcome := sorted(_NOT_OURS & given.keys()):
        raise ValueError(f"{unwelcome[0]} cannot be set: the sink itself takes a delivery report for each event")
    properties = {**_DEFAULTS, "logger": logging.getLogger("pixelmw"), **given}
    if str(properties["acks"]) not in ("all", "-1"):
        raise ValueError(f"acks is {properties['acks']!r}: an event is stored only with acks=all")
    if str(properties["enable.idempotence"]).lower() not in _TRUE:
        raise ValueError("enable.idempotence is off: without it, retries may store events twice or out of order")
    _check_timeout(properties["message.timeout.ms"])
    return properties


def _spelled_out(config: Mapping[str, Any]) -> dict[str, Any]:
    spellings: dict[str, str] = {}
    for name in config:
        dotted = name
        if "." not in name and not name.endswith("_cb") and name not in _UNDERSCORED | _NOT_OURS:
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
    if not is_bound:  # 0 is librdkafka's word for ever
        raise ValueError(f"message.timeout.ms is {milliseconds!r}: give a positive number of milliseconds")
