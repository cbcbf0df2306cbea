"""From a query string to nested dicts: decoding, names, layout and limits."""

from .limits import Limits
from .names import join_name, split_name
from .parse import parse_query

__all__ = ["Limits", "join_name", "parse_query", "split_name"]
