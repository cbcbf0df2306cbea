"""What a sink raised, as the log shows it: in one line, and without any part of the events that it was given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeGuard

from ...sinks.encoding import decode
from ...system.words import masked_words

_MAX_READ = 4000  # characters of all messages together; a text that is cut off there is behind what is shown
_MAX_CHARS = 1000  # that are shown of a message
_MAX_ERRORS = 8  # of those in groups


class ErrorWords:
    """The words of an error, which quote nothing of what the sink was given.

    A client library may quote a row or a command. To look for each text of hundreds of events takes longer than many a
    call of a sink, so it is done once the words are shown. The error is not kept: its traceback would keep
    everything that the call used.

    :param payloads: the events that the sink was given, as JSON.
    """

    __slots__ = ("_group", "_messages", "_names", "_payloads")

    def __init__(self, error: Exception, payloads: Iterable[bytes]) -> None:
        self._group = f"{type(error).__name__}: " if isinstance(error, ExceptionGroup) else ""
        self._names: list[str] = []
        self._messages: list[str] = []
        left = _MAX_READ
        for each in islice(_members(error), _MAX_ERRORS):
            number = f"{each.errno}, " if _is_systems(each) else ""
            self._names.append(f"{type(each).__name__}({number}")
            self._messages.append(_message(each)[:left])
            left -= len(self._messages[-1])
        self._payloads = tuple(payloads)

    def __str__(self) -> str:
        if self._payloads:
            self._messages = masked_words(self._messages, map(decode, self._payloads))
            self._payloads = ()
        quoted = (f"'{message[:_MAX_CHARS]}'" if message else "" for message in self._messages)
        return self._group + ", ".join(f"{name}{words})" for name, words in zip(self._names, quoted, strict=True))


def _members(error: Exception) -> Iterator[Exception]:
    if isinstance(error, ExceptionGroup):
        for each in error.exceptions:
            yield from _members(each)
    else:
        yield error


def _is_systems(error: Exception) -> TypeGuard[OSError]:
    return isinstance(error, OSError) and error.errno is not None


def _message(error: Exception) -> str:
    if type(error) is KeyError and len(error.args) == 1:
        error = Exception(*error.args)  # its own words are those of repr, in which all quotation marks are escaped
    try:
        return str(error.strerror if _is_systems(error) else error)
    except Exception:  # __str__ is the user's
        return "(its message cannot be shown)"
