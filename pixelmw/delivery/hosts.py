"""What the server around us allows: whether threads of our own run, and how to wait for a disk."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

from ..files import sync_data

THREADS_REMEDY = "uWSGI runs no background threads: start it with --enable-threads"


def threads_run() -> bool:
    """Whether a thread that we start goes on between requests; under uWSGI, only where it was told so."""
    try:
        import uwsgi
    except ImportError:
        return True
    options: dict[Any, Any] = uwsgi.opt
    switches = ("enable-threads", "threads")
    given = [options.get(name, options.get(name.encode())) for name in switches]
    return any(value not in (None, False, b"false", b"off", b"no", b"0", "false", "off", "no", "0") for value in given)


def sync_file(descriptor: int) -> None:
    """``fdatasync``; under gevent on a thread of its pool, so that other greenlets go on and join the next commit."""
    _off_the_hub(sync_data, descriptor)


def sync_new_file(descriptor: int) -> None:
    """``fsync``, under gevent likewise."""
    _off_the_hub(os.fsync, descriptor)


def _off_the_hub(function: Callable[[int], object], descriptor: int) -> None:
    monkey = sys.modules.get("gevent.monkey")
    if monkey is not None and monkey.is_module_patched("threading"):
        from gevent import get_hub

        get_hub().threadpool.apply(function, (descriptor,))
    else:
        function(descriptor)
