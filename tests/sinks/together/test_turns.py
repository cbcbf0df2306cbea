"""Write and close of one sink object run in turns, whoever calls them, and on whichever kind of object."""

from __future__ import annotations

import copy
import gc
import pickle
import threading
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from pixelmw import Event
from pixelmw.sinks import BatchSink, Unavailable
from pixelmw.sinks.together import store, waiting
from tests.support.processes import event
from tests.support.visitors import Destination, TwoLanes, Visitors, busy, ids


@pytest.mark.parametrize(("kind", "most"), [(Destination, 1), (TwoLanes, 2)])
def test_visitors_a_worker_and_close_never_meet_inside(kind: type[Destination], most: int) -> None:
    sink = kind(lambda events: threading.Event().wait(0.0005))
    is_over = False

    def work() -> None:
        number = 0
        while not is_over:
            number += 1
            store(sink, [event(f"worker-{number}-{place}") for place in range(20)], worker=True)
            sink.write([event(f"write-{number}")])
            sink.close()

    worker = threading.Thread(target=work)
    worker.start()

    def visit(each: Event) -> None:
        for number in range(60):
            sink(event(f"{each['messageId']}-{number}"))

    visitors = Visitors(visit).come(*(event(str(number)) for number in range(16))).leave()
    is_over = True
    worker.join(30)
    assert visitors.refused == []
    assert sink.most_inside == most
    assert sink.closed > 0
    assert len(sink.stored) == len(set(ids(sink.stored)))


def test_nobody_writes_while_the_sink_is_closed_even_with_more_lanes() -> None:
    sink = TwoLanes()
    with busy(sink):
        closing = threading.Thread(target=sink.close)
        closing.start()
        visitors = Visitors(sink)
        while not waiting(sink):  # until the one that closes has come
            visitors.come(event(f"e{len(visitors.told)}"))
            threading.Event().wait(0.05)
        assert sink.closed == 0
    closing.join(20)
    assert visitors.leave().refused == []
    assert sink.closed == 1
    assert sink.most_inside == 1


def test_a_visitor_goes_before_the_next_batch_of_a_worker() -> None:
    sink = Destination()
    with busy(sink):
        worker = Visitors(lambda each: store(sink, [each, event("w2")], worker=True))
        worker.come_in_line(sink, event("w1"))
        visitors = Visitors(sink).come_in_line(sink, event("a"), event("b"))
    worker.leave()
    assert visitors.leave().refused == worker.refused == []
    assert sink.calls == [["first"], ["a", "b"], ["w1", "w2"]]


def test_a_worker_gets_its_turn_however_many_visitors_come() -> None:
    sink = Destination(lambda events: threading.Event().wait(0.01), timeout=1.0)
    is_over = False

    def visit(each: Event) -> None:
        while not is_over:
            sink(event(each["messageId"]))

    visitors = Visitors(visit).come(*(event(f"e{number}") for number in range(4)))
    store(sink, [event("w")], worker=True)
    is_over = True
    assert visitors.leave().refused == []
    assert "w" in ids(sink.stored)


@pytest.mark.parametrize("kind", [Destination, TwoLanes])
@pytest.mark.parametrize("how", ["a call", "a batch", "a worker's batch"])
def test_a_write_that_calls_its_own_sink_is_told_at_once(kind: type[Destination], how: str) -> None:
    calls: dict[str, Callable[[], object]] = {
        "a call": lambda: sink(event("inner")),
        "a batch": lambda: store(sink, [event("inner")]),
        "a worker's batch": lambda: store(sink, [event("inner")], worker=True),
    }
    sink = kind(lambda events: calls[how]())
    with pytest.raises(RuntimeError, match="from within itself"):
        sink(event("outer"))
    sink.answer = lambda events: None
    sink(event("after"))
    assert ids(sink.stored) == ["after"]


def test_a_write_may_close_its_sink_and_call_that_of_its_base() -> None:
    class Closing(Destination):
        def write(self, events: Sequence[Event]) -> None:
            self.close()
            super().write(events)

    sink = Closing()
    sink(event("a"))
    assert sink.closed == 1
    assert ids(sink.stored) == ["a"]


def test_closing_waits_for_the_write_under_way_no_longer_than_it_is_told() -> None:
    sink = Destination()
    with busy(sink), pytest.raises(Unavailable, match=r"was busy for 0\.1 seconds"):
        sink.close(0.1)
    sink.close(0.1)
    assert sink.closed == 1


def test_a_sink_with_a_call_of_its_own_is_called_in_the_thread_of_the_visitor() -> None:
    class Own(Destination):
        def __call__(self, event: Event) -> None:
            threads.append(threading.get_ident())

    threads: list[int] = []
    sink = Own()
    Visitors(lambda each: store(sink, [each])).come(event("a")).leave()
    sink(event("b"))
    assert threads == [threading.get_ident()]
    assert sink.calls == [["a"]]


# --- objects of any kind ---


@dataclass(frozen=True)
class Frozen(BatchSink):
    stored: list[Event] = field(default_factory=list)

    def write(self, events: Sequence[Event]) -> None:
        self.stored.extend(events)


@dataclass(slots=True)
class Slotted(BatchSink):
    stored: list[Event] = field(default_factory=list)

    def write(self, events: Sequence[Event]) -> None:
        self.stored.extend(events)


@dataclass
class Equal(BatchSink):
    """Every two of these are equal, and none can be hashed."""

    stored: list[Event] = field(default_factory=list, compare=False)

    def write(self, events: Sequence[Event]) -> None:
        self.stored.extend(events)


class Bare:
    """No BatchSink, and no weak reference can be made to it."""

    __slots__ = ("stored",)

    def __init__(self) -> None:
        self.stored: list[Event] = []

    def __call__(self, event: Event) -> None:
        store(self, [event])

    def write(self, events: Sequence[Event]) -> None:
        """Store *events*."""
        self.stored.extend(events)


@pytest.mark.parametrize("kind", [Frozen, Slotted, Equal, Bare])
def test_a_sink_may_be_an_object_of_any_kind(kind: type[Frozen | Slotted | Equal | Bare]) -> None:
    sinks = [kind() for _ in range(3)]
    for number, sink in enumerate(sinks):
        visitors = Visitors(sink).come(*(event(f"{number}-{place}") for place in range(8))).leave()
        assert visitors.refused == []
        assert sorted(ids(sink.stored)) == [f"{number}-{place}" for place in range(8)]


@pytest.mark.parametrize("kind", [Frozen, Slotted, Equal])
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda sink: pickle.loads(pickle.dumps(sink))])
def test_a_copy_of_a_sink_has_turns_of_its_own(
    kind: type[Frozen | Slotted | Equal], copied: Callable[[BatchSink], BatchSink]
) -> None:
    sink = kind()
    sink(event("a"))
    twin = copied(sink)
    twin(event("b"))
    sink(event("c"))
    assert waiting(sink) == waiting(twin) == 0
    assert vars(type(sink)).keys() == vars(type(twin)).keys()


def test_a_copy_is_not_held_up_by_its_original() -> None:
    sink = Destination()
    twin = copy.copy(sink)
    twin.stored, twin.calls = [], []
    with busy(sink):
        twin.answer = lambda events: None
        Visitors(twin).come(event("b")).leave()
        assert ids(twin.stored) == ["b"]


def test_what_is_kept_beside_a_sink_goes_with_it() -> None:
    """A new sink often gets the place in memory of one that is gone."""
    for number in range(5):
        sink = Destination()
        sink(event(str(number)))
        assert sink.calls == [[str(number)]]
        gone = weakref.ref(sink)
        del sink
        gc.collect()
        assert gone() is None
