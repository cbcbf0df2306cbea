"""The command ``python -m pixelmw check``: the event that a URL becomes, or what is wrong with it."""

from .command import add_check

__all__ = ["add_check"]
