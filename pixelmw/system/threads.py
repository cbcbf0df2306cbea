"""Threads under different servers: if background threads run, what is safe under gevent, and calls that may hang."""

from __future__ import annotations

import _thread
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from functools import partial, wraps
from typing import Any, Generic, ParamSpec, TypeVar, cast

_P = ParamSpec("_P")
_T = TypeVar("_T")

UWSGI_THREADS_REMEDY = "uWSGI runs no background threads: start it with --enable-threads"


def background_threads_run() -> bool:
    """Return True if a thread that we start goes on running between requests.

    uWSGI before 2.0.27 runs such threads only with ``--enable-threads``.
    """
    try:
        import uwsgi
    except ImportError:
        return True
    # uwsgi.opt would show the option as it was given, even b"false", and not what this version makes of it.
    return bool(getattr(uwsgi, "has_threads", False))


def outside_gevent(call: Callable[_P, _T]) -> Callable[_P, _T]:
    """Return a function that makes *call* as :func:`call_outside_gevent` does."""

    @wraps(call)
    def called(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        return call_outside_gevent(partial(call, *args, **kwargs))

    return called


def call_outside_gevent(call: Callable[[], _T], give_up: Callable[[], object] | None = None) -> _T:
    """Make *call*, and return what it returns; under gevent, on a thread of the pool of its hub.

    Other greenlets go on while the call waits, for instance for a disk. It is
    looked at each time if gevent has patched threads: a server may do so after
    it has loaded the application.

    A greenlet that is ended meanwhile goes on to wait for the end of the call,
    as a thread has to. So nobody uses or closes what the call is still using.

    :param give_up: called when the greenlet is ended, to have the call end soon.
    """
    hub = _hub()
    if hub is None:
        return call()
    # The pool prints what its threads raise, before anybody can look at it: hence it is returned.
    task = hub.threadpool.spawn(_outcome_of, call)
    try:
        result, error = task.get()
    except BaseException:
        if give_up is not None:
            give_up()
        while not task.ready():
            with suppress(BaseException):  # it is ended once more: the first time counts
                task.wait()
        raise
    if error is not None:
        try:
            raise error
        finally:
            del error  # its traceback has this frame: a circle
    return cast(_T, result)


def _hub() -> Any:
    """Return gevent's hub of this thread, or ``None`` if there is none to keep free."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None or not monkey.is_module_patched("threading"):
        return None
    # Unlike the public get_hub, this makes none, for instance in the threads of the pool.
    from gevent._hub_local import get_hub_if_exists

    return get_hub_if_exists()


def _outcome_of(call: Callable[[], _T]) -> tuple[_T | None, BaseException | None]:
    try:
        return call(), None
    except BaseException as error:
        return None, error


def pause(seconds: float) -> None:
    """Sleep, and let other greenlets go on if this thread has any.

    A thread of gevent's pool has none. There, the patched ``time.sleep`` would start a hub.
    """
    monkey = sys.modules.get("gevent.monkey")
    sleep = time.sleep if monkey is None or _hub() is not None else monkey.get_original("time", "sleep")
    sleep(seconds)


def native_lock() -> Any:
    """Return a reentrant lock of the system's, also under gevent.

    It is for a few lines in which nothing waits, so that no greenlet can want it while another has it. Unlike a lock
    of gevent's, it also works between greenlets and threads of gevent's pool. Its thread may want it again, in a signal
    handler or in a finalizer that runs between two of these lines: :func:`is_held_here` says so.
    """
    monkey = sys.modules.get("gevent.monkey")
    return threading.RLock() if monkey is None else monkey.get_original("_thread", "RLock")()


def is_held_here(lock: Any) -> bool:
    """Return True if this thread has *lock*, which is one of :func:`native_lock`."""
    held: bool = lock._is_owned()  # as threading.Condition asks
    return held


def run_elsewhere(call: Callable[[], object]) -> None:
    """Make a call that may wait in C on a thread of the system's own, also under gevent, and do not wait for it.

    Where no thread can be started, for example since Python is ending, it is made here.
    """
    monkey = sys.modules.get("gevent.monkey")
    start = _thread.start_new_thread if monkey is None else monkey.get_original("_thread", "start_new_thread")
    try:
        start(call, ())
    except RuntimeError:
        call()


class Task(Generic[_T]):
    """A call on a daemon thread of its own, for which nobody has to wait longer than he wants to.

    It is made in a copy of the context of whoever makes it, so that it finds for instance Flask's current application.

    :param call: is made at once.
    :param name: that of the thread.
    :param elsewhere: is given what is to be run where no thread can be started, for example since Python is ending. It
        has a thread that is there run it, and returns True, or returns False.
    :raises RuntimeError: if no thread can be started, and there is none elsewhere.
    """

    def __init__(
        self,
        call: Callable[[], _T],
        name: str,
        elsewhere: Callable[[Callable[[], object]], bool] = lambda run: False,
    ) -> None:
        self._call = call
        self._outcome: tuple[_T | None, BaseException | None] | None = None
        self._end = threading.Event()
        run = partial(copy_context().run, self._run)
        try:
            threading.Thread(target=run, name=name, daemon=True).start()
        except RuntimeError:
            if not elsewhere(run):
                raise

    def is_done(self) -> bool:
        """Return True if the call has ended."""
        return self._outcome is not None

    def wait(self, seconds: float) -> bool:
        """Wait at most *seconds* for the end of the call; returns True if it has ended."""
        self._end.wait(min(max(0.0, seconds), threading.TIMEOUT_MAX))
        return self.is_done()

    def result(self) -> _T:
        """Return what the call returned, or raise what it raised.

        :raises TimeoutError: if it has not ended.
        """
        if self._outcome is None:
            raise TimeoutError("the call has not ended")
        result, error = self._outcome
        if error is not None:
            raise error
        return cast(_T, result)

    def _run(self) -> None:
        self._outcome = _outcome_of(self._call)
        self._end.set()
