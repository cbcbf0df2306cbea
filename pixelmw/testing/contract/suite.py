"""The contract as a class of tests, one for each point."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, ClassVar

from ...events import Sink
from .bench import Bench, ReadBack, Skip
from .flags import Flags
from .points import POINTS, Point, found_at

_FLAGS = (
    "stores_once",
    "survives_fork",
    "keeps_order",
    "thread_safe",
    "interruptible",
    "reopens",
    "event_types",
    "refuses",
)


class SinkContract:
    """Tests of a sink, one for each point of the contract, for pytest.

    ::

        class TestMySink(SinkContract):
            survives_fork = True

            @pytest.fixture
            def sink(self, tmp_path):
                return MySink(tmp_path / "events")

            @pytest.fixture
            def read_back(self, tmp_path):
                return lambda: my_events(tmp_path / "events")

    ``sink`` gives the sink, and ``read_back`` a callable that returns the stored
    events, a list of dicts in order. The flags of :func:`pixelmw.testing.check_sink` are attributes of
    the class, but for ``break_it`` and ``hang_it``, which are further fixtures if they are there.
    What a flag rules out is a skipped test that names it.
    """

    stores_once: ClassVar[bool] = Flags.stores_once
    survives_fork: ClassVar[bool] = Flags.survives_fork
    keeps_order: ClassVar[bool] = Flags.keeps_order
    thread_safe: ClassVar[bool] = Flags.thread_safe
    interruptible: ClassVar[bool] = Flags.interruptible
    reopens: ClassVar[bool] = Flags.reopens
    event_types: ClassVar[Any] = Flags.event_types
    refuses: ClassVar[Any] = Flags.refuses

    # pytest collects a class where it is imported. Under "python_classes = *", it would run this one without a sink.
    __test__: ClassVar[bool] = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__test__" not in vars(cls):
            cls.__test__ = True


def _test_of(sentence: str, point: Point) -> Callable[..., None]:
    def test(self: SinkContract, sink: Sink, read_back: ReadBack, request: Any) -> None:
        import pytest  # the package does not need it: whoever runs this has it

        trouble = {}
        for name in ("break_it", "hang_it"):
            with suppress(pytest.FixtureLookupError):
                trouble[name] = request.getfixturevalue(name)
        flags = Flags(**{name: getattr(self, name) for name in _FLAGS}, **trouble)
        try:
            found = found_at(point, Bench(sink, read_back, flags))
        except Skip as skip:
            pytest.skip(str(skip))
        if found:
            raise AssertionError("\n".join([f"{sink!r}: {sentence}: not so.", *_as_list(found)]))

    test.__doc__ = f"The sink contract: {sentence}."
    return test


def _as_list(found: Sequence[str]) -> Iterator[str]:
    for each in found:
        yield "- " + each.replace("\n", "\n  ")


for _sentence, _point in POINTS.items():
    _name = f"test_{_sentence.replace(' ', '_')}"
    _test = _test_of(_sentence, _point)
    _test.__name__, _test.__qualname__ = _name, f"{SinkContract.__name__}.{_name}"
    setattr(SinkContract, _name, _test)
