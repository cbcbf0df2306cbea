"""A sink that refuses a batch says nothing about each event in it: an event is at fault only if it is refused alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelmw import Event
from pixelmw.delivery import Retry, Spool
from pixelmw.sinks import JSONLines, fallback, fan_out
from pixelmw.sinks.base import PartialFailure, Unavailable, Undeliverable
from tests.support import databases
from tests.support.databases import Database
from tests.support.forwarding import Batches, Bench, ids, poison
from tests.support.processes import event, lines
from tests.support.spools import waiting

server, db = databases.server, databases.db
Error = Callable[[str], Exception]


def batch(names: Sequence[str]) -> list[Event]:
    return [event(name) for name in names]


# --- fan_out ---


@pytest.mark.parametrize("error", [Undeliverable, ValueError])
@pytest.mark.parametrize("bad", [["e0"], ["e7"], ["e15"], ["e3", "e4", "e12"]], ids=len)
def test_of_a_batch_that_one_of_the_sinks_refuses_only_the_events_at_fault_fail(error: Error, bad: list[str]) -> None:
    careful, other = Batches(poison(*bad, error=error)), Batches()
    with pytest.raises(PartialFailure) as caught:
        fan_out(careful, other).write(batch(ids(16)))
    assert [f"e{place}" for place in caught.value.failures] == bad
    assert {type(failure) for failure in caught.value.failures.values()} == {error}
    assert careful.stored == [name for name in ids(16) if name not in bad]
    assert other.stored == ids(16)
    assert other.calls == [ids(16)]


def test_each_event_has_the_error_of_the_sink_that_refuses_it() -> None:
    first, second = Batches(poison("e1", "e2", error=Undeliverable)), Batches(poison("e2", "e3"))
    with pytest.raises(PartialFailure) as caught:
        fan_out(first, second).write(batch(ids(5)))
    assert {place: type(error) for place, error in caught.value.failures.items()} == {
        1: Undeliverable, 2: ExceptionGroup, 3: ValueError,
    }  # fmt: skip


@pytest.mark.parametrize("error", [lambda text: Unavailable(text), ConnectionError, lambda text: OSError(28, text)])
def test_a_sink_that_is_down_is_called_once_and_fails_each_event(error: Error) -> None:
    down, other = Batches(lambda batch: error("down")), Batches()
    with pytest.raises(PartialFailure) as caught:
        fan_out(down, other).write(batch(ids(100)))
    assert list(caught.value.failures) == list(range(100))
    assert None not in caught.value.failures.values()
    assert (len(down.calls), other.stored) == (1, ids(100))


def test_a_sink_that_goes_down_within_the_search_is_called_no_more_and_the_other_events_count_as_untried() -> None:
    def fault(names: list[str]) -> Exception | None:
        return ConnectionError() if names[0] == "e4" else Undeliverable("?") if {"e1", "e9"} & set(names) else None

    sink = Batches(fault)
    with pytest.raises(PartialFailure) as caught:
        fan_out(sink).write(batch(ids(16)))
    failures = caught.value.failures
    assert sink.stored == ["e0", "e2", "e3"]
    assert {place: type(failures[place]) for place in (1, 4, 5, 6, 7)} == {1: Undeliverable} | dict.fromkeys(
        (4, 5, 6, 7), ConnectionError
    )
    assert [failures[place] for place in range(8, 16)] == [None] * 8


def test_a_sink_that_fails_on_everything_without_saying_that_it_is_down_is_not_called_for_each_event() -> None:
    sink = Batches(lambda names: RuntimeError("?"))
    with pytest.raises(PartialFailure) as caught:
        fan_out(sink).write(batch(ids(500)))
    assert len(caught.value.failures) == 500
    assert len(sink.calls) < 40


@given(
    st.integers(1, 40),
    st.sets(st.integers(0, 39)),
    st.sampled_from([Undeliverable, ValueError]),
    st.sampled_from(["nothing", "the others"]),
)
def test_whatever_is_refused_and_however_all_others_are_stored_once(
    count: int, places: set[int], error: Error, stored: str
) -> None:
    bad = {f"e{place}" for place in places if place < count}

    class Refusing(Batches):
        def write(self, events: Sequence[Event]) -> None:
            names = [each.pop("messageId") for each in events]  # and changes what it gets
            if bad & set(names) and stored == "nothing":
                raise error("refused")
            self.stored += [name for name in names if name not in bad]
            if bad & set(names):
                raise PartialFailure({place: error("refused") for place, name in enumerate(names) if name in bad})

    sink = Refusing()
    try:
        fan_out(sink).write(batch(ids(count)))
        failures = {}
    except PartialFailure as failure:
        failures = dict(failure.failures)
    except (Undeliverable, ValueError) as alone:
        failures = {0: alone}
    refused = {f"e{place}" for place, failure in failures.items() if failure is not None}
    untried = {f"e{place}" for place, failure in failures.items() if failure is None}
    assert refused <= bad
    assert Counter(sink.stored) == Counter(set(ids(count)) - refused - untried)
    assert not untried or error is ValueError


@pytest.mark.parametrize("server", ["postgresql", "mariadb"], indirect=True)
def test_in_front_of_a_database_that_refuses_one_row_all_others_are_forwarded(db: Database, tmp_path: Path) -> None:
    """Seen before: one bad row made dead letters of the whole batch."""
    good, file = [f"good-{number}" for number in range(15)], tmp_path / "events"
    with db.sink() as store:
        store(event("first"))
        db.run(f"ALTER TABLE {db.table} ADD CONSTRAINT {db.table}_one CHECK (event <> 'refused')")
        with Spool(tmp_path / "spool", fan_out(store, JSONLines(file)), retry=Retry(cap=0.1)) as spool:
            spool.write([*batch(good[:7]), {**event("bad"), "event": "refused"}, *batch(good[7:])])
            assert spool.flush(20)
            stats = spool.stats()
    assert (stats["forwarded"], stats["dead"]) == (15, 1)
    assert db.rows() == sorted(["first", *good])
    assert {line["messageId"] for line in lines(file)} == {*good, "bad"}
    assert waiting(tmp_path / "spool" / "dead") == ["bad"]


# --- fallback ---


@pytest.mark.parametrize("error", [Undeliverable, ValueError])
def test_an_event_that_the_first_sink_takes_alone_does_not_go_to_the_second(error: Error) -> None:
    primary, secondary = Batches(poison("e3", error=error)), Batches()
    fallback(primary, secondary).write(batch(ids(8)))
    assert primary.stored == ["e0", "e1", "e2", "e4", "e5", "e6", "e7"]
    assert secondary.stored == ["e3"]


def test_an_event_that_both_sinks_refuse_is_found_among_the_others() -> None:
    primary, secondary = Batches(poison("e1", "e2", error=Undeliverable)), Batches(poison("e2", error=Undeliverable))
    with pytest.raises(PartialFailure) as caught:
        fallback(primary, secondary).write(batch(ids(4)))
    assert list(caught.value.failures) == [2]
    assert (primary.stored, secondary.stored) == (["e0", "e3"], ["e1"])


def test_events_behind_one_that_a_plain_callable_refuses_are_stored_in_it() -> None:
    """A callable that raises is not called with the rest of the batch, which is then untried."""
    bad = {f"e{number}" for number in range(0, 500, 50)}
    stored: list[str] = []

    def plain(event: Event) -> None:
        if event["messageId"] in bad:
            raise Undeliverable("refused")
        stored.append(event["messageId"])

    second = Batches()
    fallback(plain, second).write(batch(ids(500)))
    assert stored == [name for name in ids(500) if name not in bad]
    assert {*second.stored} == bad
    del stored[:]
    with pytest.raises(PartialFailure) as caught:
        fan_out(plain).write(batch(ids(500)))
    assert {f"e{place}" for place in caught.value.failures} == bad
    assert stored == [name for name in ids(500) if name not in bad]


@pytest.mark.parametrize("count", [1, 5])
def test_places_that_a_batch_does_not_have_are_not_believed(count: int) -> None:
    """A sink that counts from 1 would have events taken for stored that were not."""
    sink = Batches(lambda names: PartialFailure({place: Unavailable("down") for place in range(1, len(names) + 1)}))
    with pytest.raises((PartialFailure, Unavailable)):
        fan_out(sink).write(batch(ids(count)))
    bench = Bench(sink, ids(count))
    bench.steps(20)
    assert (bench.done, bench.dead, len(bench.forwarder)) == ([], [], count)
