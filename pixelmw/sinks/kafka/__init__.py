"""A sink for Kafka."""

from .sink import Kafka

__all__ = ["Kafka"]
