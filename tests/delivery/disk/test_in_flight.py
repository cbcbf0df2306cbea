"""Where a process died in a call of the sink, the next one is careful; an event of which three died is set aside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pixelmw import Event
from pixelmw.delivery.disk.directory import SpoolDirectory
from pixelmw.delivery.disk.drainer import Drainer
from tests.support.forwarding import Batches, ids
from tests.support.processes import finish, lines, start
from tests.support.spools import drainer, fill, waiting

# A process that forwards, with a sink that kills it at each batch with one of the bad events; a sink that hangs, or
# one that is down, ends it in order.
_FORWARD = """
import json, os, signal, sys
from pixelmw.delivery.disk.dead_letter_store import DeadLetterStore
from pixelmw.delivery.disk.directory import SpoolDirectory
from pixelmw.delivery.disk.drainer import Drainer
from pixelmw.delivery import Retry
from pathlib import Path

path, out, how, *bad = sys.argv[1:]


class Sink:
    def __call__(self, event):
        self.write([event])

    def write(self, events):
        names = [event["messageId"] for event in events]
        with open(out + ".calls", "a") as file:
            file.write(json.dumps(names) + "\\n")
        if set(names) & set(bad):
            os.kill(os.getpid(), signal.SIGKILL)
        with open(out, "a") as file:
            file.writelines(json.dumps(event) + "\\n" for event in events)


sink = Sink()
drainer = Drainer(SpoolDirectory(path), sink if how == "batches" else sink.__call__, retry=Retry(),
                  dead_letter=DeadLetterStore(Path(path) / "dead"))
drainer.begin_turn()
while not drainer.step().nothing_is_left:
    pass
print("done")
"""


def forward_until_done(path: Path, how: str, *bad: str, most: int = 12) -> int:
    """Start one process after the other until one is through; returns how many were killed."""
    for killed in range(most):
        process = start(_FORWARD, path, path.parent / "out", how, *bad)
        try:
            output, errors = process.communicate(timeout=40)
        finally:
            process.kill()
        if process.returncode == 0:
            assert output == "done\n"
            return killed
        assert process.returncode == -9, errors
    raise AssertionError(f"{most} processes were killed")


def calls(path: Path) -> list[list[str]]:
    """The ids of the events of each call of the sink."""
    found: list[list[str]] = lines(path.parent / "out.calls")
    return found


def stored(path: Path) -> list[str]:
    return [each["messageId"] for each in lines(path.parent / "out")]


@pytest.mark.slow
@pytest.mark.parametrize("how", ["batches", "events"])
def test_an_event_that_kills_each_process_alone_is_a_dead_letter_after_three(tmp_path: Path, how: str) -> None:
    spool = tmp_path / "spool"
    fill(spool, [*ids(5), "bad", *ids(20, "later")])
    assert forward_until_done(spool, how, "bad") == 4
    assert waiting(spool) == []
    assert waiting(spool / "dead") == ["bad"]
    assert sorted({*stored(spool)}) == sorted([*ids(5), *ids(20, "later")])
    if how == "batches":
        assert sorted(stored(spool)) == sorted([*ids(5), *ids(20, "later")])
        assert calls(spool).count(["bad"]) == 3


@pytest.mark.slow
def test_each_of_several_such_events_is_set_aside(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    fill(spool, ["bad1", *ids(3), "bad2"])
    assert forward_until_done(spool, "batches", "bad1", "bad2") == 8
    assert sorted(waiting(spool / "dead")) == ["bad1", "bad2"]
    assert sorted(stored(spool)) == ids(3)


@pytest.mark.slow
def test_after_a_death_the_events_that_were_in_flight_are_sent_one_by_one_and_the_others_together(
    tmp_path: Path,
) -> None:
    spool = tmp_path / "spool"
    fill(spool, ids(500))
    fill(spool, ids(300, "later"))
    assert_killed(spool, "e7")
    process = start(_FORWARD, spool, tmp_path / "out", "batches")
    assert finish(process) == ["done"]
    assert calls(spool)[1:501] == [[each] for each in ids(500)]
    assert len(calls(spool)[501:]) == 1
    assert stored(spool) == [*ids(500), *ids(300, "later")]


def assert_killed(spool: Path, bad: str) -> None:
    process = start(_FORWARD, spool, spool.parent / "out", "batches", bad)
    try:
        process.communicate(timeout=40)
    finally:
        process.kill()
    assert process.returncode == -9


@pytest.mark.slow
def test_two_deaths_are_no_proof_and_are_forgotten_once_the_event_is_stored(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    fill(spool, ["bad"])
    for _ in range(2):
        assert_killed(spool, "bad")
    assert finish(start(_FORWARD, spool, tmp_path / "out", "batches")) == ["done"]
    assert stored(spool) == ["bad"]
    assert not (spool / "dead").exists()


def drained_by(spool: Path) -> tuple[Drainer, Batches]:
    """A drainer that has just begun its turn, and its sink."""
    sink = Batches()
    found = drainer(spool, sink)
    found.begin_turn()
    return found, sink


def leave(directory: Path, **line: object) -> None:
    """Write what a process leaves that dies in a call of its sink."""
    (directory / "in-flight").write_text(json.dumps(line) + "\n")


def test_what_was_in_flight_is_sent_one_by_one(tmp_path: Path) -> None:
    fill(tmp_path, ids(10))
    leave(tmp_path, events=4, alone=None, batches=0, deaths={})
    found, sink = drained_by(tmp_path)
    while not found.step().nothing_is_left:
        pass
    assert sink.calls == [["e0"], ["e1"], ["e2"], ["e3"], ids(10)[4:]]


@pytest.mark.parametrize("deaths", [0, 1, 2])
def test_an_event_of_which_three_processes_died_is_not_sent(tmp_path: Path, deaths: int) -> None:
    segment = fill(tmp_path, ids(3))
    leave(tmp_path, events=1, alone=f"{segment.name}:0", batches=1, deaths={f"{segment.name}:0": deaths})
    letters: list[Event] = []
    sink = Batches()
    found = drainer(tmp_path, sink, dead_letter=letters.append)
    found.begin_turn()
    while not found.step().nothing_is_left:
        pass
    assert sink.stored == (ids(3) if deaths < 2 else ["e1", "e2"])
    assert [each["messageId"] for each in letters] == ids(3)[: deaths == 2]
    assert [*tmp_path.iterdir()] == []


def test_a_process_that_ends_in_order_while_the_sink_hangs_has_not_died_of_an_event(tmp_path: Path) -> None:
    """A destination that hangs while its servers are restarted three times buries nothing."""
    fill(tmp_path, ["e0"])
    for _ in range(5):
        ended: list[Drainer] = []

        def write(event: Event) -> None:
            ended[0].in_flight.end_in_order()  # noqa: B023 - it is called at once
            # What the next process would find now.
            assert json.loads((tmp_path / "in-flight").read_text().splitlines()[0])["events"] == 0
            raise TimeoutError

        hanging = drainer(tmp_path, write)
        ended.append(hanging)
        hanging.begin_turn()
        hanging.step()
    found, sink = drained_by(tmp_path)
    found.step()
    assert sink.stored == ["e0"]


def test_one_who_does_not_forward_leaves_the_file_of_the_one_who_does_alone(tmp_path: Path) -> None:
    fill(tmp_path, ["e0"])
    other = drainer(tmp_path, print)
    seen: list[int] = []

    def write(event: Event) -> None:
        other.in_flight.end_in_order()
        seen.append(json.loads((tmp_path / "in-flight").read_text().splitlines()[0])["events"])

    forwarding = drainer(tmp_path, write)
    forwarding.begin_turn()
    forwarding.step()
    assert seen == [1]


@pytest.mark.parametrize(
    "content",
    [
        "", "\0" * 100, "[]", "{", '{"events": "many"}', '{"events": -5, "deaths": []}', '{"events": 1e99}',
        '{"deaths": {"x": "y"}, "alone": 5}', '{"events": true, "batches": null}', "[" * 3000,
    ],
    ids=range(10),
)  # fmt: skip
def test_whatever_is_in_the_file_the_events_are_forwarded(tmp_path: Path, content: str) -> None:
    fill(tmp_path, ids(5))
    (tmp_path / "in-flight").write_text(content)
    found, sink = drained_by(tmp_path)
    for _ in range(50):
        if found.step().nothing_is_left:
            break
    assert sink.stored == ids(5)


def test_whatever_the_file_is_the_events_are_forwarded(tmp_path: Path) -> None:
    fill(tmp_path, ids(5))
    (tmp_path / "in-flight").mkdir()
    found, sink = drained_by(tmp_path)
    while not found.step().nothing_is_left:
        pass
    assert sink.stored == ids(5)


def test_deaths_of_events_that_are_gone_are_forgotten(tmp_path: Path) -> None:
    segment = fill(tmp_path, ids(2))
    deaths = {f"{segment.name}:0": 2, "00000000000001-000000000000-000000000000.segment:0": 2}
    (tmp_path / "in-flight").write_text(json.dumps({"events": 0, "deaths": deaths}) + "\n")
    found, _ = drained_by(tmp_path)
    assert found.in_flight.deaths == {f"{segment.name}:0": 2}
    assert SpoolDirectory(tmp_path).segments() != []
