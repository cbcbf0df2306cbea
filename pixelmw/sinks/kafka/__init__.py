"""A sink for Kafka."""

try:
    import confluent_kafka as _  # noqa: F401 - the modules of this folder need it
except ImportError as error:
    raise ImportError("pixelmw.sinks.kafka needs confluent-kafka: pip install pixelmw[kafka]") from error

from .sink import Kafka

__all__ = ["Kafka"]
