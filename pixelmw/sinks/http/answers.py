"""What the status of an answer means: whose fault it is, and what an operator has to do about it."""

from __future__ import annotations

import re

# Of the client's errors, those about the client, the URL, a proxy or the moment (RFC 9110, 15.5; RFC 4918, 6585
# and 8470), so they hold for every event. Any other is about what was sent: 400, 413 and 422; and RFC 9110 (15) says to
# take one that nobody knows for a 400.
_ABOUT_THE_CLIENT = {401, 402, 403, 404, 405, 406, 407, 410, 411, 414, 415, 417, 421, 426, 428, 431}
# 460 is no standard's: load balancers of Amazon's have it, and Segment's clients try again.
_FOR_THE_MOMENT = {408, 423, 424, 425, 429, 460}
_IS_THE_URL_RIGHT = "is the URL right?"
_ADVICE = {
    401: "it does not know the write key: give the sink the one that the source has now",
    402: "it wants to be paid: look at the account",
    403: "it does not let this write key in: is the source switched off, or does a firewall or a proxy refuse?",
    404: f"nothing takes events there: {_IS_THE_URL_RIGHT}",
    405: f"nothing takes events there: {_IS_THE_URL_RIGHT}",
    407: "the proxy wants a user and a password, or others: put them into the URL of the proxy",
    410: f"nothing takes events there any more: {_IS_THE_URL_RIGHT}",
    415: f"it takes no JSON in gzip: {_IS_THE_URL_RIGHT}",
}
# What http.client says where a proxy does not open a tunnel.
_NO_TUNNEL = re.compile(r"Tunnel connection failed: ([0-9]{3})\b")


def blames_events(status: int) -> bool:
    """Return True if an answer with *status* is a verdict on what was sent, and not on who sent it where."""
    return 400 <= status < 500 and status not in _ABOUT_THE_CLIENT | _FOR_THE_MOMENT


def advice(status: int) -> str:
    """Return what to do about an answer with *status*, with a semicolon in front; or "" where waiting is all."""
    hint = _IS_THE_URL_RIGHT if 300 <= status < 400 else _ADVICE.get(status, "")
    return hint and f"; {hint}"


def tunnel_refused(words: str) -> int | None:
    """Return the status by which a proxy refused a tunnel, if *words*, of an error of urllib3, say that it did."""
    found = _NO_TUNNEL.search(words)
    return None if found is None else int(found[1])
