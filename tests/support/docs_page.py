"""Runs the Python examples of one page of the documentation, in the order in which they stand there.

Run it with ``python -m tests.support.docs_page FILE``, in a directory that the examples may write to. The examples find
``app``, a WSGI application; ``events``, a list; and ``sink``, its ``append``. Each middleware that they make must have
accepted a request at the end.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Self

from sybil import Document, Sybil
from sybil.parsers.rest import DocTestParser, PythonCodeBlockParser

import pixelmw
from pixelmw import PixelMiddleware
from pixelmw.sinks.base import close_sink
from tests.support.pixel import host_app


class NotedMiddleware(PixelMiddleware):
    """The middleware, which also notes each of its instances."""

    made: ClassVar[list[PixelMiddleware]] = []

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.made.append(self)

    @classmethod
    def around(cls, *args: Any, **options: Any) -> Self:
        self = super().around(*args, **options)
        cls.made.append(self)
        return self


def parse(page: Path) -> Document:
    """The page with its Python examples, also those that no reader sees."""
    return Sybil([DocTestParser(), PythonCodeBlockParser()]).parse(page)


def run(page: Path) -> None:
    """Run the examples of *page*; the exception of one that fails has a note that says where it stands."""
    pixelmw.PixelMiddleware = NotedMiddleware  # type: ignore[misc]
    document = parse(page)
    # The examples are a module, as they are for a reader: Flask looks for the file of the module that it is made in.
    module = sys.modules["page"] = ModuleType("page")
    module.__file__ = str(page)
    document.namespace = module.__dict__
    events: list[pixelmw.Event] = []
    document.namespace |= {"app": host_app, "events": events, "sink": events.append}
    for example in document.examples():
        try:
            example.evaluate()
        except Exception as error:
            error.add_note(f"This is the example at line {example.line}.")
            raise
    for middleware in NotedMiddleware.made:
        close_sink(middleware.collector.sink)
    idle = [made.collector.sink for made in NotedMiddleware.made if not made.collector.stats().get("accepted")]
    assert not idle, f"no request was accepted by the middleware with {idle}"


if __name__ == "__main__":
    run(Path(sys.argv[1]))
