"""What the server around us allows: whether threads of our own run, and how to wait for a disk."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from ..files import sync_data

THREADS_REMEDY = "uWSGI runs no background threads: start it with --enable-threads"


def threads_run() -> bool:
    """Whether a thread that we start goes on between requests; under uWSGI before 2.0.27, only where it was told so."""
    try:
        import uwsgi
    except ImportError:
        return True
    # Not uwsgi.opt, which holds what was given, b"false" included, and not what it means in this version.
    return bool(getattr(uwsgi, "has_threads", False))


def file_syncs() -> tuple[Callable[[int], object], Callable[[int], object]]:
    """What puts a file on stable storage: one that is there already, and a new one.

    Under gevent that is done on a thread of its pool, so that other greenlets go on, and join the next commit.
    """
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None or not monkey.is_module_patched("threading"):
        return sync_data, os.fsync
    from gevent import get_hub

    def off_the_hub(sync: Callable[[int], object]) -> Callable[[int], object]:
        return lambda descriptor: get_hub().threadpool.apply(sync, (descriptor,))

    return off_the_hub(sync_data), off_the_hub(os.fsync)
