"""Reports on requests: refusals to ``on_reject``, and to the log what callables of the user's raised."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from .access import private_texts
from .errors import Discard, Rejected
from .events import Event, is_undeliverable
from .request_log import log_rejected, logger
from .system.callables import Call, checked_callable, raise_if_unfinished
from .system.failures import FailureLog, ends_the_call_only, forget_tracebacks

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment


class Reporter:
    """The reports of one collector.

    :param on_reject: called with each refusal.
    """

    def __init__(self, on_reject: Callable[[Rejected], object]) -> None:
        self.on_reject = checked_callable("on_reject", on_reject, "any callable that takes a Rejected")
        self._failures = FailureLog(logger)

    def tell(self, refusal: Rejected, environ: WSGIEnvironment) -> Generator[Call, Any, None]:
        """Call ``on_reject``. What it raises is logged and goes no further, unless it belongs to whoever sent it."""
        try:
            if self.on_reject is log_rejected:
                log_rejected(refusal)
            elif (result := (yield self.on_reject, (refusal,))) is not None:
                raise_if_unfinished("on_reject", self.on_reject, result)
        except BaseException as raised:
            if not ends_the_call_only(raised):
                raise
            self.log_failure(
                "on_reject failed on a %s event refused as %s",
                refusal.event_type,
                refusal.code,
                raised=raised,
                environ=environ,
                event=refusal.event,
            )
            forget_tracebacks(raised)

    def log_failure(
        self,
        message: str,
        *details: object,
        raised: BaseException,
        environ: WSGIEnvironment,
        event: Event | None,
        each: bool = True,
    ) -> None:
        """Log what a callable of the user's raised in a request, without the values of the request.

        :param message: what failed, with ``%`` for each of *details*; neither holds a value of the request.
        :param event: the event, as far as it was built.
        :param each: log a line each time; otherwise once a minute.
        """
        query = environ.get("QUERY_STRING", "")
        self._failures.log(message, *details, raised=raised, private=lambda: private_texts(query, event), each=each)

    def judge_failure(self, error: Exception, environ: WSGIEnvironment, event: Event) -> None:
        """Return if *error*, which the sink raised, says that the event may be stored later.

        :raises Rejected: if the destination never takes the event.
        :raises RuntimeError: if it is what only an enricher may raise: it would be answered as if that had.
        """
        if isinstance(error, Discard | Rejected):
            raise RuntimeError(f"the sink raised {type(error).__name__}, which only an enricher may") from error
        if is_undeliverable(error):
            self.log_failure(  # log_rejected does not say why
                "the sink will never take a %s event",
                event.get("type"),
                raised=error,
                environ=environ,
                event=event,
                each=False,
            )
            forget_tracebacks(error)
            # The words are ours: those of a destination may quote the event, or say more than a visitor is to know.
            raise Rejected("undeliverable", "the destination does not take this event") from error
