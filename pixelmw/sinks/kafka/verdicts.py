"""What an error of Kafka's means: whose fault it is, and what an operator has to do about it."""

from __future__ import annotations

import re

from confluent_kafka import KafkaError

from ..errors import Unavailable, Undeliverable
from .library_log import printable

# ``_INVALID_DIFFERENT_RECORD``, for which KafkaError has no name before confluent-kafka 2.4.
_OTHER_RECORD_INVALID = -138
# A broker answers for a set of records. With one of these, another record of the set may be at fault; a record that was
# alone in its set is at fault itself.
SET_REFUSED = {
    KafkaError.MSG_SIZE_TOO_LARGE,
    KafkaError.RECORD_LIST_TOO_LARGE,
    KafkaError.INVALID_MSG,
    KafkaError.INVALID_MSG_SIZE,
    KafkaError.INVALID_RECORD,
    _OTHER_RECORD_INVALID,
}
TIMED_OUT = {KafkaError._MSG_TIMED_OUT, KafkaError._TIMED_OUT, KafkaError._TIMED_OUT_QUEUE}

_MISSING = "the topic {topic!r} is not there: create it, or mend its name"
_LOGIN = "the brokers do not let this client in: mend its user, password or mechanism"
_TLS = "no secure connection to the brokers: mend the certificates, or security.protocol"
_NAME = "the name of a broker cannot be resolved: mend bootstrap.servers, or the DNS"
_CLOCK = "the brokers refuse the time of this machine: set its clock, or theirs"
_TIME_OUT = (
    "no answer in time: is a broker away, or are fewer replicas of {topic!r} in sync than its min.insync.replicas?"
)
_REPLICAS = "fewer replicas of {topic!r} are in sync than its min.insync.replicas: bring the brokers back"
_ADVICE = {
    KafkaError.UNKNOWN_TOPIC_OR_PART: _MISSING,
    KafkaError._UNKNOWN_TOPIC: _MISSING,
    KafkaError._UNKNOWN_PARTITION: _MISSING,
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "this client may not write to the topic {topic!r}: grant it WRITE",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "this client may not be idempotent: grant it IDEMPOTENT_WRITE",
    KafkaError.SASL_AUTHENTICATION_FAILED: _LOGIN,
    KafkaError._AUTHENTICATION: _LOGIN,
    KafkaError.INVALID_TIMESTAMP: _CLOCK,
    KafkaError.NOT_ENOUGH_REPLICAS: _REPLICAS,
    KafkaError.NOT_ENOUGH_REPLICAS_AFTER_APPEND: _REPLICAS,
}
# With one of these the producer works: another one would hear the same. After any other error, it may fail for good.
REFUSED = SET_REFUSED | _ADVICE.keys()
# What librdkafka says while it tries again until the time of a message is over, and so has no code for it.
_TROUBLES = (
    # Also "broker might require SASL authentication", of one that closes the connection at once.
    (re.compile("authentication|mechanism handshake failed", re.IGNORECASE), _LOGIN),
    # Lines after the first name only the state. A broker that times out in it may be frozen.
    (re.compile(r"SSL handshake failed|security\.protocol|^(?!.*timed out).*state SSL_HANDSHAKE"), _TLS),
    (re.compile("Failed to resolve"), _NAME),
)


def verdict(error: KafkaError, topic: str, trouble: str | None = None) -> Unavailable | Undeliverable:
    """Return what the sink raises for an event that was alone in its set.

    :param trouble: what librdkafka said last, which is the reason for a time-out.
    """
    words = f"{printable(error.str())} ({error.name()})"
    if error.code() in SET_REFUSED - {_OTHER_RECORD_INVALID}:
        return Undeliverable(words)
    advice = _ADVICE.get(error.code(), "")
    if error.code() in TIMED_OUT:
        advice = _TIME_OUT
        if trouble is not None:
            advice = next((advice for pattern, advice in _TROUBLES if pattern.search(trouble)), _TIME_OUT)
            words = f"{words}; librdkafka said last: {trouble}"
    return Unavailable(": ".join(filter(None, [advice.format(topic=topic), words])))
