"""A Spool is closed while its sink hangs: what the sink took before is not sent again, and no other call is made."""

from __future__ import annotations

import threading
from pathlib import Path

from pixelmw import Event
from pixelmw.delivery import Spool
from tests.support.processes import event, wait_until
from tests.support.spools import drained, fill, waiting


class Plain:
    """A plain callable that hangs at one event until its gate is opened."""

    def __init__(self, hangs_at: str) -> None:
        self.entered = threading.Event()
        self.gate = threading.Event()
        self.ids: list[str] = []
        self._hangs_at = hangs_at

    def __call__(self, event: Event) -> None:
        self.ids.append(event["messageId"])
        if event["messageId"] == self._hangs_at:
            self.entered.set()
            assert self.gate.wait(20)


def closed_while_it_hangs(directory: Path) -> tuple[Spool, Plain]:
    """A Spool that was closed while its sink hangs at the third of four events, and that sink."""
    fill(directory, ["a", "b", "c", "d"])
    sink = Plain("c")
    spool = Spool(directory, sink)
    spool.start()
    assert sink.entered.wait(20)
    spool.close(0.05)
    return spool, sink


def test_what_a_plain_callable_took_before_it_hung_is_not_sent_again(tmp_path: Path) -> None:
    _, sink = closed_while_it_hangs(tmp_path / "spool")
    sink.gate.set()
    wait_until(lambda: drained(tmp_path / "spool") == ["d"])
    assert sink.ids == ["a", "b", "c"]


def test_the_next_process_begins_with_the_event_that_was_in_the_hanging_call(tmp_path: Path) -> None:
    spool, sink = closed_while_it_hangs(tmp_path / "spool")
    assert spool.stats()["queued"] == 2
    assert waiting(tmp_path / "spool") == ["a", "b", "c", "d"]  # in the file; the cursor says where to begin
    sink.gate.set()


def test_a_spool_that_was_closed_may_be_used_again(tmp_path: Path) -> None:
    arrived: list[str] = []
    spool = Spool(tmp_path / "spool", lambda each: arrived.append(each["messageId"]))
    for number in range(3):
        spool(event(str(number)))
        assert spool.flush(20)
        spool.close()
    assert arrived == ["0", "1", "2"]


def test_a_flush_without_an_end_ends_when_another_thread_has_closed_the_spool(tmp_path: Path) -> None:
    def down(event: Event) -> None:
        raise ConnectionError("down")

    spool = Spool(tmp_path / "spool", down)
    spool(event("1"))
    came_to: list[bool] = []
    thread = threading.Thread(target=lambda: came_to.append(spool.flush()), daemon=True)
    thread.start()

    def ends() -> bool:
        spool.close(0.05)  # also one that flush began anew, since it came after the last close
        thread.join(0.05)
        return not thread.is_alive()

    wait_until(ends)
    assert came_to == [False]
    assert waiting(tmp_path / "spool") == ["1"]
