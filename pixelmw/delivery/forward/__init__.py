"""Gets events into a sink, and decides what a failure of the sink means for each."""

from .forwarder import Forwarder
from .item import Item

__all__ = ["Forwarder", "Item"]
