"""Tells a regular expression that backtracks exponentially, by trying it on short strings that almost match."""

from __future__ import annotations

import re
import time
from itertools import permutations, product

# Exponential work reaches this within the lengths below; cubic work stays a hundred times under it.
_TOO_LONG = 0.02  # seconds of this thread's own time
_LENGTHS = range(4, 33)
_SAMPLES = "aA0 _-.,:/@\u00e9"
_ENDS = ("\n\x00", "!")
_LITERAL_START = re.compile(r"(?:\^|\\A)?((?:[^\\\[\](){}.*+?^$|]|\\[^\w\s])*)")


def is_exponential(pattern: str) -> bool:
    """Whether *pattern* takes exponential time on one of the strings tried.

    A net and not a proof. It holds the forms known from incidents, such as
    ``(a+)+$``, ``(a|a)*$`` or ``(\\w+\\s?)*$``, also behind a literal
    beginning; it lets pass what only looks like them, such as
    ``[a-z]+(-[a-z]+)*``.
    """
    compiled = re.compile(pattern)
    start = _LITERAL_START.sub(r"\1\n", pattern, count=1).partition("\n")[0].replace("\\", "")
    letters = list(dict.fromkeys([*re.findall(r"[^\W_]", pattern), *_SAMPLES]))
    pairs = ["".join(pair) for pair in permutations(letters[:6], 2)]
    for lead, pump, end in product(("", start) if start else ("",), letters + pairs, _ENDS):
        for length in _LENGTHS:
            subject = lead + (pump * length)[:length] + end
            began = time.thread_time()
            compiled.search(subject)
            if time.thread_time() - began > _TOO_LONG:
                return True
    return False
