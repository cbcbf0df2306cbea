"""A thread that is started when it is needed, and of which there is never more than one."""

from __future__ import annotations

import threading
from collections.abc import Callable


class OneThread:
    """Starts a daemon thread that calls *run*, unless there is one.

    The thread itself says that it is there, in its first lines, and that it is not, in its last. Whoever starts it may
    be ended by an exception from outside, such as that of a signal handler, between any two lines; the thread may run
    by then or not. If a second one was started meanwhile, it ends at once.

    Of a thread that runs, ``is_alive`` is not asked: before Python 3.13, an exception that arrives in that call
    marks the thread as ended, although it goes on.

    :param run: what the thread does.
    :param name: that of the thread.
    """

    def __init__(self, run: Callable[[], object], name: str) -> None:
        self._run = run
        self._name = name
        self._lock = threading.Lock()
        self._starting: threading.Thread | None = None
        self._running: threading.Thread | None = None

    def is_there(self) -> bool:
        """Return True if the thread runs, or has been started."""
        starting = self._starting
        return self._running is not None or (starting is not None and starting.is_alive())

    def ensure(self) -> bool:
        """Start the thread if there is none.

        :returns: False if that was not possible: the system allows no more threads, or Python is ending.
        """
        if self.is_there():
            return True
        thread = self._starting = threading.Thread(target=self._begin, name=self._name, daemon=True)
        try:
            thread.start()
        except RuntimeError:
            return False
        return True

    def is_own(self) -> bool:
        """Return True if this is called from within the thread, and it has not left."""
        return self._running is threading.current_thread()

    def leave(self) -> None:
        """Say, from within the thread, that it does nothing more: from now on, :meth:`ensure` starts another."""
        if self.is_own():
            self._running = None

    def _begin(self) -> None:
        try:
            with self._lock:
                self._starting = None
                if self._running is not None:
                    return
                self._running = threading.current_thread()
            self._run()
        finally:
            self.leave()
