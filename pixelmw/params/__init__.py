"""From a query string to nested dicts: names, layout and limits."""

from .layout import join_name, split_name
from .parse import Limits, parse_query

__all__ = ["Limits", "join_name", "parse_query", "split_name"]
