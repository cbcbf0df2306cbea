"""Finds regular expressions that backtrack exponentially, by running them on short strings that almost match.

This module reads a clock: the processor time of its own thread. It is the one
exception to the rule that the room ``schema`` has no clock, so its answer may
depend on the machine. It is only asked at construction, never at a request.
"""

from __future__ import annotations

import re
import time
from itertools import permutations, product

# Within the lengths below, a pattern of exponential time takes longer than this. One of cubic time takes less than a
# hundredth of it.
_MAX_SECONDS = 0.02  # of this thread's own processor time
_LENGTHS = range(4, 33)
_SAMPLES = "aA0 _-.,:/@\u00e9"
# Each string ends with characters that a pattern hardly ever matches, so that the search has to go back.
_MISMATCHED_ENDS = ("\n\x00", "!")
_LITERAL_START = re.compile(r"(?:\^|\\A)?((?:[^\\\[\](){}.*+?^$|]|\\[^\w\s])*)")


def is_exponential(pattern: str) -> bool:
    """Return True if *pattern* takes exponential time on one of the strings that are tried.

    This finds the forms that are known from incidents, such as ``(a+)+$``,
    ``(a|a)*$`` or ``(\\w+\\s?)*$``, also behind a literal beginning. It does not
    prove that a pattern is harmless. A pattern that only looks like these, such
    as ``[a-z]+(-[a-z]+)*``, is not reported.

    :raises re.error: if it is no regular expression.
    """
    compiled = re.compile(pattern)
    literal = _LITERAL_START.sub(r"\1\n", pattern, count=1).partition("\n")[0].replace("\\", "")
    letters = list(dict.fromkeys([*re.findall(r"[^\W_]", pattern), *_SAMPLES]))
    pairs = ["".join(pair) for pair in permutations(letters[:6], 2)]
    prefixes = ("", literal) if literal else ("",)
    for prefix, repeated, end in product(prefixes, letters + pairs, _MISMATCHED_ENDS):
        for length in _LENGTHS:
            text = prefix + (repeated * length)[:length] + end
            start = time.thread_time()
            compiled.search(text)
            if time.thread_time() - start > _MAX_SECONDS:
                return True
    return False
