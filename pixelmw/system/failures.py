"""What users' callables raise: whom it belongs to, and how it is logged without the texts of an event.

1. What is no ``Exception`` belongs to whoever sent it, and passes on. But
   ``SystemExit`` and ``asyncio.CancelledError`` off the main thread would end a
   thread of the server and leave its client hanging: these end the call only.
2. A failure is logged each time, in one line. Its traceback is logged once a
   minute for each kind, so that no visitor can fill a disk.
3. In a traceback, messages show no text of the event: not whole, not quoted or
   escaped, and not cut off. Where nobody knows which events a message may be
   about, it is not shown.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from ..text import printable
from .logs import LogThrottle
from .masking import MIN_TEXT, masked, spellings_of

_MAX_FRAMES = 25  # of each exception, those next to the fault
_SHARED = "_pixelmw_shared"  # the attribute of an error that several callers were told of
_MAX_LINKED = 8  # exceptions: causes, contexts and members of groups


class PrivateTexts(NamedTuple):
    """What no log may show of a request."""

    texts: Iterable[str]
    keys: Iterable[str]  # write keys, which are hidden however short they are


def ends_the_call_only(raised: BaseException) -> bool:
    """Return True if *raised* is to be answered; False if it is to pass on (rule 1)."""
    if isinstance(raised, Exception):
        return True
    if threading.current_thread() is threading.main_thread():
        return False
    # Without asyncio, which takes 30 ms to import, nobody can have raised its error.
    cancelled = getattr(sys.modules.get("asyncio"), "CancelledError", SystemExit)
    return isinstance(raised, SystemExit | cancelled)


class _Shared:
    """What the copies of one failure share: several callers were told of it, and it is logged once."""

    def __init__(self, texts: Callable[[], Iterable[str]]) -> None:
        self.texts = texts
        self.is_logged = False


def share(error: Exception, texts: Callable[[], Iterable[str]]) -> None:
    """Mark *error* as the failure of several callers, so that only one of them logs it; copies of it are marked, too.

    :param texts: gives the texts of all of them, which its message may hold.
    """
    error.__dict__.setdefault(_SHARED, _Shared(texts))


def forget_shared(error: Exception) -> None:
    """Forget that *error* was that of several callers and is logged: if its instance is raised again, that is news."""
    shared: _Shared | None = error.__dict__.get(_SHARED)
    if shared is not None and shared.is_logged:
        error.__dict__.pop(_SHARED, None)


class FailureLog:
    """Logs failures of users' callables; safe to share between threads, and across fork.

    :param level: the level to log at.
    """

    def __init__(self, logger: logging.Logger, level: int = logging.ERROR) -> None:
        self._logger = logger
        self._level = level
        self._throttle = LogThrottle()

    def log(
        self,
        message: str,
        *details: object,
        raised: BaseException,
        private: Callable[[], PrivateTexts],
        each: bool = True,
    ) -> None:
        """Log *raised*.

        :param message: what failed, with ``%`` for each of *details*, which hold nothing of a request's values. Each
            message has a minute of its own for each kind of exception.
        :param private: gives what is not to be shown. It is called only if the traceback is logged.
        :param each: log a line each time; otherwise once a minute.
        """
        shared: _Shared | None = getattr(raised, _SHARED, None)
        if shared is not None:
            if shared.is_logged:
                return
            shared.is_logged = True
        kind = type(raised).__qualname__
        if not self._throttle.allows(f"{message}: {kind}"):
            if each:
                self._logger.log(self._level, f"{message}: %s, as within the last minute", *details, kind)
            return
        texts, keys = private()
        if shared is not None:
            texts = [*texts, *shared.texts()]
        text, is_whole = traceback_text(raised, PrivateTexts(texts, keys))
        if is_whole:  # what reads records of the log, and not its lines, gets the exception itself
            self._logger.log(self._level, message, *details, exc_info=raised)
        else:
            self._logger.log(self._level, f"{message}\n%s", *details, text)


def forget_tracebacks(raised: BaseException) -> None:
    """Take the traceback from *raised* and from what it is linked to, once they are logged.

    A function that raises what it has in a local variable makes a circle, which
    would keep all of the request in memory until the collector of cycles runs.
    And an instance that is raised again and again gets longer with each raise.
    """
    raised.__traceback__ = None
    if not (raised.__context__ is raised.__cause__ is None) or isinstance(raised, BaseExceptionGroup):
        for each in _linked(raised, even_suppressed=True):
            each.__traceback__ = None


def traceback_without_words(raised: BaseException) -> str:
    """The traceback of *raised* and of what led to it, where nobody knows which events its messages may quote.

    Of each message, only what the system itself says is shown.
    """
    return traceback_text(raised, None)[0]


def traceback_text(raised: BaseException, private: PrivateTexts | None) -> tuple[str, bool]:
    """The traceback of *raised* and of what led to it, with ``…`` in its messages for each text of *private*.

    :param private: ``None`` for all texts.
    :returns: it, and whether nothing had to be hidden or cut off.
    """
    spellings = spellings_of(private.texts if private is not None else ())
    short_keys = [key for key in (private.keys if private is not None else ()) if 0 < len(key) < MIN_TEXT]
    linked = list(_linked(raised, even_suppressed=False))
    is_whole = len(linked) <= _MAX_LINKED
    parts = []
    for each in linked[:_MAX_LINKED][::-1]:
        frames = traceback.format_tb(each.__traceback__, limit=-_MAX_FRAMES)
        messages = _messages_of(each) if private is not None else _words_of_the_system(each)
        shown = [masked(message, spellings, short_keys) for message in messages]
        is_whole = is_whole and shown == messages and len(frames) < _MAX_FRAMES
        is_whole = is_whole and all(line.isprintable() for message in messages for line in message.splitlines())
        named = ": ".join(filter(None, [_name_of(type(each)), "\n".join(map(_indented, shown))]))
        parts.append("Traceback (most recent call last):\n" * bool(frames) + "".join(frames) + named)
    return "\n\nwhich led to:\n\n".join(parts), is_whole


def _linked(raised: BaseException, *, even_suppressed: bool) -> Iterator[BaseException]:
    """*raised*, its cause and context, and the members of groups, and so on; each one once.

    :param even_suppressed: also contexts that ``raise ... from`` keeps out of tracebacks.
    """
    pending, seen = [raised], set()
    while pending:
        each = pending.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        if isinstance(each, BaseExceptionGroup):
            pending += each.exceptions[::-1]
        if each.__cause__ is not None:
            pending.append(each.__cause__)
        if each.__context__ is not None and (even_suppressed or not each.__suppress_context__):
            pending.append(each.__context__)


def _name_of(kind: type[BaseException]) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _messages_of(raised: BaseException) -> list[str]:
    """The message of *raised*, which is empty if it has none, and its notes (PEP 678)."""
    try:
        return [str(raised), *map(str, getattr(raised, "__notes__", ()))]
    except Exception:  # __str__ is the user's, too
        return ["(its message cannot be shown)"]


def _words_of_the_system(raised: BaseException) -> list[str]:
    return [raised.strerror] if isinstance(raised, OSError) and raised.errno is not None and raised.strerror else []


def _indented(message: str) -> str:
    """*message* in printable characters; no line of it begins like one of the log's own."""
    return "\n    ".join(map(printable, message.splitlines()))
