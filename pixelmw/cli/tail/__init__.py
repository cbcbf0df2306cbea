"""The command ``python -m pixelmw tail``: prints the events of a store as they come."""

from .command import add_tail

__all__ = ["add_tail"]
