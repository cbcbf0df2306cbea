"""What an error of Redis means: always the server, for now; and what an operator has to do about it."""

from __future__ import annotations

from collections.abc import Iterable

from redis import exceptions

from ...events import Event
from ..errors import Unavailable
from ..words import server_words

_LOGIN = "the server does not let this user in: mend the user or the password in the URL"
_RIGHTS = "this user may not do that: grant it +multi +exec +xadd on the key {stream!r}"
_MEMORY = "the server's memory is full: raise its maxmemory, or give the sink a maxlen"
_REPLICA = "the server is a replica: name the one that takes writes"
_CLUSTER = "the cluster does not serve the slot of {stream!r} now: look at its nodes"
# By class, the more special ones first.
_BY_CLASS: tuple[tuple[type[Exception], str], ...] = (
    (exceptions.AuthenticationError, _LOGIN),
    (exceptions.AuthenticationWrongNumberOfArgsError, _LOGIN),
    (exceptions.NoPermissionError, _RIGHTS),
    (exceptions.OutOfMemoryError, _MEMORY),
    (exceptions.ReadOnlyError, _REPLICA),
    (exceptions.BusyLoadingError, "the server loads its data: it takes events once it has"),
    (exceptions.ClusterDownError, _CLUSTER),
    (exceptions.AskError, _CLUSTER),
    (exceptions.TryAgainError, _CLUSTER),
    (exceptions.RedisClusterException, _CLUSTER),
)
# By the first word of the server's, where redis-py has no class of its own, or a transaction was discarded for it.
_BY_WORD = {
    "NOPERM": _RIGHTS,
    "OOM": _MEMORY,
    "READONLY": _REPLICA,
    "WRONGTYPE": "the key {stream!r} holds something else than a stream: name another one",
    "MISCONF": "the server cannot save to its disk: look at its log and its disk",
    **dict.fromkeys(("CLUSTERDOWN", "ASK", "MOVED", "TRYAGAIN"), _CLUSTER),
    "NOREPLICAS": "too few replicas answer: bring them back, or lower the server's min-replicas-to-write",
    "BUSY": "the server runs a script: end it, or wait",
}
# What redis-py puts between the command, with the event, and the server's words.
_BEHIND_THE_COMMAND = " of pipeline caused error: "
_BEHIND_AN_ABORT = "because of: "


def is_moved(error: Exception) -> bool:
    """Return True if the server is a node of a cluster, and says that another one has the stream.

    Before redis-py 6, a client of a single server has no class for it.
    """
    return isinstance(error, exceptions.MovedError) or _said(error).startswith("MOVED ")


def verdict(error: Exception, stream: str, events: Iterable[Event]) -> Unavailable:
    """Return what the sink raises for *error*, which it met when it stored *events*. Its words hold no part of them."""
    words = server_words(_said(error), events)
    advice = next((advice for kind, advice in _BY_CLASS if isinstance(error, kind)), "")
    advice = advice or _BY_WORD.get(words.rpartition(_BEHIND_AN_ABORT)[2].partition(" ")[0], "")
    return Unavailable(": ".join(filter(None, [advice.format(stream=stream), words])))


def _said(error: Exception) -> str:
    return str(error).rpartition(_BEHIND_THE_COMMAND)[2]
