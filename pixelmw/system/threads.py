"""What the server around us allows: whether threads of our own run, and how to wait for a disk."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")

UWSGI_THREADS_REMEDY = "uWSGI runs no background threads: start it with --enable-threads"


def background_threads_run() -> bool:
    """Whether a thread that we start goes on between requests; under uWSGI before 2.0.27, only where it was told so."""
    try:
        import uwsgi
    except ImportError:
        return True
    # Not uwsgi.opt, which holds what was given, b"false" included, and not what it means in this version.
    return bool(getattr(uwsgi, "has_threads", False))


def outside_gevent(call: Callable[_P, _T]) -> Callable[_P, _T]:
    """*call*; under gevent, made on a thread of its pool, so that other greenlets go on while it waits."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None or not monkey.is_module_patched("threading"):
        return call
    from gevent import get_hub

    return lambda *args, **kwargs: get_hub().threadpool.apply(call, args, kwargs)
