"""Which function is called as the ``write`` of a sink, and that its ``close`` waits for it, however it came there."""

from __future__ import annotations

import functools
import threading
import types
from collections.abc import Callable, Sequence
from typing import Any
from unittest.mock import MagicMock, Mock

import pytest

from pixelmw import Event
from pixelmw.delivery import Background
from pixelmw.sinks import BatchSink, PartialFailure, Unavailable, fan_out
from pixelmw.sinks.base import close_sink
from pixelmw.sinks.together import store
from pixelmw.system.errors import copy_of
from tests.support.processes import event
from tests.support.visitors import Destination, Visitors, ids


class Delegating:
    """Is called as it likes, and passes all else on."""

    def __init__(self, inner: Destination) -> None:
        self.inner = inner

    def __call__(self, event: Event) -> None:
        self.inner(event)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class Derived(Destination):
    """Calls the ``write`` of its base."""

    def write(self, events: Sequence[Event]) -> None:
        super().write(events)


@pytest.mark.parametrize("kind", [Destination, Derived])
def test_a_worker_and_visitors_take_turns_also_through_a_wrapper(kind: type[Destination]) -> None:
    sink = kind(lambda events: threading.Event().wait(0.0005))
    wrapper = Delegating(sink)
    is_over = False

    def work() -> None:
        while not is_over:
            store(wrapper, [event("a"), event("b")], worker=True)

    worker = threading.Thread(target=work)
    worker.start()
    visitors = Visitors(sink).come(*(event(str(number)) for number in range(50))).leave()
    is_over = True
    worker.join(20)
    assert visitors.refused == []
    assert sink.most_inside == 1


def test_a_write_that_is_another_sinks_is_called_as_it_is() -> None:
    inner = Destination()

    class Outer:
        def __init__(self) -> None:
            self.write = inner.write

        def __call__(self, event: Event) -> None:
            self.write([event])

    outer = Outer()
    store(outer, [event("1")])
    store(outer, [event("2"), event("3")], worker=True)
    fan_out(outer)(event("4"))
    assert ids(inner.stored) == ["1", "2", "3", "4"]


def test_a_wrapper_around_write_is_not_passed_by() -> None:
    def without_address(write: Callable[..., object]) -> Callable[..., object]:
        @functools.wraps(write)
        def wrapped(self: Any, events: Sequence[Event]) -> object:
            return write(self, [{name: each[name] for name in each if name != "ip"} for each in events])

        return wrapped

    class Private(Destination):
        pass

    Private.write = without_address(Destination.write)  # type: ignore[method-assign, assignment]
    sink = Private()
    sink({**event("1"), "ip": "192.0.2.1"})
    store(sink, [{**event("2"), "ip": "192.0.2.1"}], worker=True)
    sink.write([{**event("3"), "ip": "192.0.2.1"}])
    assert ids(sink.stored) == ["1", "2", "3"]
    assert not any("ip" in each for each in sink.stored)


class Closing:
    """A mixin whose ``close`` knows nothing of turns."""

    inside = 0
    met = False

    def close(self, timeout: float | None = None) -> None:
        self.met = self.met or self.inside > 0

    def stay(self) -> None:
        self.inside += 1
        threading.Event().wait(0.002)
        self.inside -= 1


class Mixed(Closing, BatchSink):
    def write(self, events: Sequence[Event]) -> None:
        self.stay()


class Plain(Closing):
    def __call__(self, event: Event) -> None:
        store(self, [event])

    def write(self, events: Sequence[Event]) -> None:
        self.stay()


@pytest.mark.parametrize("kind", [Mixed, Plain])
@pytest.mark.parametrize("through", [close_sink, lambda sink: fan_out(sink).close()], ids=["close_sink", "fan_out"])
def test_a_close_of_whichever_class_waits_for_a_write(
    kind: type[Mixed | Plain], through: Callable[[Any], object]
) -> None:
    sink = kind()
    visitors = Visitors(sink).come(*(event(str(number)) for number in range(20)))
    for _ in range(20):
        through(sink)
    assert visitors.leave().refused == []
    assert not sink.met


def test_an_error_that_copies_to_itself_is_one_for_each_visitor_all_the_same() -> None:
    class Cached(ValueError):
        def __copy__(self) -> Cached:
            return self

    error = Cached("no")
    twin = copy_of(error)
    assert twin is not error
    assert (type(twin), str(twin)) == (Cached, "no")


@pytest.mark.parametrize(
    ("given", "seconds"), [(30, 30.0), ("30", 30.0), ("Fri, 27 Nov 2026 16:00:00 GMT", None), ("", None), (None, None)]
)
def test_the_text_of_a_header_may_be_given_as_retry_after(given: Any, seconds: float | None) -> None:
    assert Unavailable("no", retry_after=given).retry_after == seconds


@pytest.mark.parametrize("kind", [Mock, MagicMock])
def test_a_mock_is_a_sink_with_turns(kind: type[Mock]) -> None:
    sink = kind()
    with Background(sink) as background:
        background(event("1"))
    assert [ids(call.args[0]) for call in sink.write.call_args_list] == [["1"]]
    assert sink.close.call_count == 1


def test_a_function_in_c_may_be_bound_as_write(capsys: pytest.CaptureFixture[str]) -> None:
    class Bound:
        write: Any = None

        def __call__(self, event: Event) -> None:
            store(self, [event])

        def __str__(self) -> str:
            return "the sink"

    sink = Bound()
    sink.write = types.MethodType(print, sink)
    sink(event("1"))
    assert capsys.readouterr().out.startswith("the sink [{")


def test_what_fan_out_says_of_an_event_is_not_asked_again() -> None:
    stored: list[str] = []

    class Keeps(BatchSink):
        def write(self, events: Sequence[Event]) -> None:
            stored.extend(ids(events))

    def refuses(event: Event) -> None:
        raise ValueError("no")

    both = fan_out(Keeps(), refuses)
    with pytest.raises(PartialFailure):
        store(both, [event(str(number)) for number in range(60)])
    assert sorted(stored) == sorted(str(number) for number in range(60))
