"""One call of a sink, and what it says about each event of a batch."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

from ...events import Event
from ...sinks.base import PartialFailure, is_down


def attempt(
    write: Callable[[Sequence[Event]], object], events: Sequence[Event]
) -> tuple[Mapping[int, Exception | None], Exception | None]:
    """Hand *events* to a sink.

    :returns: by the place of each event that was not stored, the error that it
        met itself, or ``None`` where it was not tried or where nobody knows
        which event met the error; and what the sink raised.
    """
    try:
        write(events)
    except PartialFailure as failure:
        if len(events) == 1 and 0 in failure.failures:
            return {0: failure.failures[0] or failure}, failure
        return failure.failures, failure
    except BaseException as raised:
        error = as_exception(raised)
        known = len(events) == 1 or is_down(error)
        return dict.fromkeys(range(len(events)), error if known else None), error
    return {}, None


def as_exception(raised: BaseException) -> Exception:
    """What a sink raised, on a thread of ours, where not even ``SystemExit`` is to end more than the call.

    :raises BaseException: on the main thread, what is to end the process.
    """
    if isinstance(raised, Exception):
        return raised
    if threading.current_thread() is threading.main_thread():
        raise raised
    return RuntimeError(f"a sink raised {raised!r}")
