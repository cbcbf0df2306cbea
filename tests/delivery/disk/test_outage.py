"""Sinks that are down, fail now and then, or will not take one event: all others arrive, in order, and once each."""

from __future__ import annotations

import errno
import json
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from pixelmw import Event
from pixelmw.delivery import Retry, Spool
from pixelmw.delivery.disk.directory import SpoolDirectory
from pixelmw.delivery.disk.journal import Journal
from pixelmw.sinks.base import Undeliverable
from tests.support.processes import event, finish, start, wait_until
from tests.support.spools import drain, drainer, payloads, report, scale, waiting

# Stores at a steady rate beside a sink that is down, and then waits until it is up and has everything.
_OUTAGE = """
import json, os, sys, threading, time
from pathlib import Path
from pixelmw.delivery import Retry, Spool
from tests.support.processes import event

directory, error, seconds, rate = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), 200
kinds = {"ConnectionError": ConnectionError, "RuntimeError": RuntimeError}
up = threading.Event()
tries = 0

def sink(event):
    global tries
    if not up.is_set():
        tries += 1
        raise kinds[error]("down")
    forwarded.write(event["messageId"] + "\\n")

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

started = time.monotonic()
early = number = 0
ticks = threading.Event()
with (directory / "forwarded").open("w") as forwarded:
    spool = Spool(directory / "spool", sink, retry=Retry(cap=1.0))
    while time.monotonic() < started + seconds:
        while number < (time.monotonic() - started) * rate:
            spool(event(str(number), 500))
            number += 1
        early = early or (number > seconds * rate / 4 and resident())
        ticks.wait(0.002)
    late, stats = resident(), spool.stats()
    up.set()
    flushed = spool.flush(60)
    spool.close()
print(json.dumps({"stored": number, "early": early, "late": late, "tries": tries, "flushed": flushed, **stats}))
"""


@pytest.mark.slow
@pytest.mark.parametrize("error", ["ConnectionError", "RuntimeError"])
def test_a_sink_that_is_down_gets_all_when_it_is_up_in_order_and_the_memory_stays_flat(
    tmp_path: Path, error: str
) -> None:
    seconds = scale(2, 60)
    told = json.loads("".join(finish(start(_OUTAGE, tmp_path, error, seconds), timeout=40.0 + 2 * seconds)))
    found = (tmp_path / "forwarded").read_text().split()
    report(
        f"down with {error}", seconds=seconds, stored=told["stored"], lost=told["stored"] - len(set(found)),
        twice=len(found) - len(set(found)), tries=told["tries"], kilobytes_grown=(told["late"] - told["early"]) // 1024,
    )  # fmt: skip
    assert told["flushed"]
    assert told["stored"] >= seconds * 200 * 0.9
    assert told["queued"] == told["stored"]
    assert told["forwarded"] == told["dead"] == 0
    assert found == [str(number) for number in range(told["stored"])]
    assert told["tries"] < seconds * 100
    assert told["late"] - told["early"] < 3 * 2**20


class Flaky:
    """A sink whose calls fail now and then, and which never takes one of the events; it notes what it took.

    An event that is not to blame fails at most five times in a row, so that chance does not make it look as if it were.
    """

    def __init__(self, poison: str, failure: Exception, refusal: Exception) -> None:
        self.ids: list[str] = []
        self.calls = self.failures = 0
        self._chance = random.Random(4)
        self._in_a_row: Counter[str] = Counter()
        self._poison, self._failure, self._refusal = poison, failure, refusal

    def __call__(self, event: Event) -> None:
        self.take([event])

    def take(self, events: Sequence[Event]) -> None:
        self.calls += 1
        ids = [event["messageId"] for event in events]
        if self._chance.random() < 0.2 and max(self._in_a_row[name] for name in ids) < 5:
            self.failures += 1
            self._in_a_row.update(ids)
            raise self._failure
        if self._poison in ids:
            raise self._refusal
        self.ids += ids


class FlakyBatches(Flaky):
    """Such a sink that takes batches, all or none."""

    def write(self, events: Sequence[Event]) -> None:
        self.take(events)


def prepared(directory: Path, ids: list[str]) -> Path:
    """A directory in which many events wait, stored in one commit."""
    place = SpoolDirectory(directory)
    place.prepare()
    with closing(Journal(place, sync=False)) as journal:
        journal.append(payloads(ids))
    return directory


@pytest.mark.slow
@pytest.mark.parametrize("kind", [Flaky, FlakyBatches], ids=["a plain callable", "batches"])
@pytest.mark.parametrize(
    ("failure", "refusal"),
    [
        (ConnectionError("now and then"), Undeliverable("never")),
        (ConnectionError("now and then"), ValueError("never")),
        (RuntimeError("now and then"), RuntimeError("never")),
    ],
    ids=["that tells all", "that tells when it is down", "that tells nothing"],
)
def test_a_flaky_sink_gets_all_but_the_one_event_that_it_never_takes_which_is_kept(
    tmp_path: Path, kind: type[Flaky], failure: Exception, refusal: Exception
) -> None:
    count = scale(2000, 10_000)
    ids = [str(number) for number in range(count)]
    poison = str(count // 3)
    sink = kind(poison, failure, refusal)
    with Spool(prepared(tmp_path / "spool", ids), sink, retry=Retry(first=0.001, cap=0.001)) as spool:
        while not spool.flush(0.5) and len(ids) < count + 50:  # an event is only proved to be at fault beside others
            ids.append(f"later-{len(ids)}")
            spool(event(ids[-1]))
        stats = spool.stats()
    report(
        f"{kind.__name__}, failing with {failure!r} and {refusal!r}", events=len(ids), calls=sink.calls,
        failed=sink.failures, delivered=len(set(sink.ids)), twice=len(sink.ids) - len(set(sink.ids)),
        dead=stats["dead"],
    )  # fmt: skip
    ids.remove(poison)
    assert sorted(sink.ids) == sorted(ids)
    assert (stats["dead"], stats["forwarded"]) == (1, len(ids))
    assert waiting(tmp_path / "spool" / "dead") == [poison]
    assert sink.failures > 3


@pytest.mark.parametrize("error", [ConnectionError(), Undeliverable(), ValueError()], ids=repr)
def test_who_takes_over_goes_on_with_the_first_event_that_was_not_taken(tmp_path: Path, error: Exception) -> None:
    ids = [str(number) for number in range(30)]
    directory = prepared(tmp_path / "spool", ids)
    taken: list[str] = []
    rest: list[str] = []

    def sink(event: Event) -> None:
        if event["messageId"] == "7":
            raise error
        taken.append(event["messageId"])

    first = drainer(directory, sink, dead_letter=full)
    for _ in range(5):
        first.step()
    drain(directory, lambda event: rest.append(event["messageId"]))  # as after kill -9
    assert taken[:7] == ids[:7]
    assert rest == ids[7:]


def full(event: Event) -> None:
    raise OSError(errno.ENOSPC, "full")


def test_dead_letters_go_to_a_sink_of_their_own_where_there_is_one(tmp_path: Path) -> None:
    letters: list[Event] = []
    sink = FlakyBatches("7", ConnectionError(), Undeliverable())
    directory = prepared(tmp_path / "spool", [str(number) for number in range(50)])
    with Spool(directory, sink, retry=Retry(first=0.001, cap=0.001), dead_letter=letters.append) as spool:
        assert spool.flush(20)
    assert [letter["messageId"] for letter in letters] == ["7"]
    assert not (directory / "dead").exists()


def test_a_dead_letter_that_cannot_be_stored_is_not_lost(tmp_path: Path) -> None:
    sink = FlakyBatches("7", ConnectionError(), Undeliverable())
    ids = [str(number) for number in range(50)]
    directory = prepared(tmp_path / "spool", ids)
    (directory / "dead").touch(mode=0o600)  # no directory
    with Spool(directory, sink, retry=Retry(first=0.001, cap=0.01)) as spool:
        wait_until(lambda: len(sink.ids) == 49)
        assert not spool.flush(0.1)
        assert "7" in waiting(directory)
        (directory / "dead").unlink()
        assert spool.flush(20)
    ids.remove("7")
    assert sorted(sink.ids) == sorted(ids)
    assert waiting(directory / "dead") == ["7"]
