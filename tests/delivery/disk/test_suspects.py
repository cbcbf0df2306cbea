"""An event that may be poison, alone in a spool, keeps nothing that comes later waiting."""

from __future__ import annotations

from pathlib import Path

from pixelmw import Event
from pixelmw.delivery import Retry, Spool
from tests.support.processes import event, wait_until


def test_what_comes_after_a_lone_suspect_is_forwarded(tmp_path: Path) -> None:
    tried: list[str] = []
    arrived: list[str] = []
    dead: list[Event] = []

    def sink(each: Event) -> None:
        tried.append(each["messageId"])
        if each["messageId"] == "poison":
            raise ValueError("not this one")
        arrived.append(each["messageId"])

    with Spool(tmp_path / "spool", sink, retry=Retry(first=0.05, cap=0.1), dead_letter=dead.append) as spool:
        spool(event("poison"))
        wait_until(lambda: len(tried) > 1)
        for number in range(20):
            spool(event(str(number)))
        wait_until(lambda: len(arrived) == 20)
        # The sink has the last one before the spool has noted that. The first is not lost: more events have to come to
        # tell poison from an outage.
        wait_until(lambda: spool.stats()["queued"] == 1)
    assert sorted(arrived, key=int) == [str(number) for number in range(20)]
    assert dead == []
