"""Threads under different servers: if background threads run, and what is safe under gevent: blocking calls, locks."""

from __future__ import annotations

import _thread
import sys
import threading
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

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
    """Return *call* itself, or under gevent a function that makes the call on a thread of gevent's pool.

    Other greenlets go on while the call waits, for instance for a disk.
    """
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None or not monkey.is_module_patched("threading"):
        return call
    from gevent import get_hub

    return lambda *args, **kwargs: get_hub().threadpool.apply(call, args, kwargs)


def native_lock() -> Any:
    """Return a lock of the system's, also under gevent.

    It is for a few lines in which nothing waits, so that no greenlet can want it while another has it. Unlike a lock
    of gevent's, it also works between greenlets and threads of gevent's pool.
    """
    monkey = sys.modules.get("gevent.monkey")
    return threading.Lock() if monkey is None else monkey.get_original("_thread", "allocate_lock")()


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
