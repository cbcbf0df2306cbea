"""The memory of a process that forwards does not grow with what waits, nor with what cannot be removed yet."""

from __future__ import annotations

import gc
import tracemalloc
from pathlib import Path

from pixelmw import Event
from pixelmw.delivery.disk.directory import SpoolDirectory
from pixelmw.delivery.disk.journal import Journal
from pixelmw.delivery.disk.records import encode_record
from pixelmw.sinks.base import Undeliverable
from tests.support.processes import wait_until
from tests.support.spools import drainer, fill, payloads, step

MIB = 2**20


def test_segments_that_wait_for_one_dead_letter_each_take_no_memory(tmp_path: Path) -> None:
    directory = SpoolDirectory(tmp_path)
    tmp_path.chmod(0o700)
    journal = Journal(directory, sync=False)
    for number in range(16):
        ids = [f"{number}-{each}" for each in range(9)]
        journal.append([*payloads(ids, 10**5), *payloads([f"{number}-refused"])])
        journal.close()
    arrived: set[str] = set()

    def sink(each: Event) -> None:
        if each["messageId"].endswith("-refused"):
            raise Undeliverable("never")
        arrived.add(each["messageId"])

    def is_full(letter: Event) -> None:
        raise OSError("full")

    forwarding = drainer(tmp_path, sink, dead_letter=is_full)
    tracemalloc.start()
    try:
        wait_until(lambda: step(forwarding) and len(arrived) == 16 * 9)
        gc.collect()  # errors have frames, which have errors
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(directory.segments()) == 16
    assert taken < 4 * MIB


def test_what_is_appended_to_a_segment_is_taken_up_a_batch_at_a_time_and_in_order(tmp_path: Path) -> None:
    first = fill(tmp_path, ["0"])
    second = fill(tmp_path, ["later", "last"])
    second.rename(second.with_name(second.name.replace(second.name[:14], "9" * 14)))  # not of the same millisecond
    late = [str(number) for number in range(1, 1_001)]
    appended = [encode_record(number, each) for number, each in enumerate(payloads(late, 5_000), 1)]
    ids: list[str] = []

    def sink(each: Event) -> None:
        if not ids:
            first.chmod(0o600)
            with first.open("ab") as file:
                file.write(b"".join(appended))
        ids.append(each["messageId"])

    forwarding = drainer(tmp_path, sink, max_batch=2)
    sizes = []
    while step(forwarding):
        sizes.append(len(forwarding.forwarder.pending))
    assert ids == ["0", *late, "later", "last"] or ids == ["0", "later", *late, "last"]
    assert max(sizes) <= 2


def test_what_is_appended_to_a_segment_takes_no_more_text_than_a_batch(tmp_path: Path) -> None:
    segment = fill(tmp_path, ["0"])
    late = payloads(map(str, range(1, 41)), 10**5)
    sizes: list[int] = []

    def sink(each: Event) -> None:
        if not sizes:
            segment.chmod(0o600)
            with segment.open("ab") as file:
                file.write(b"".join(encode_record(number, payload) for number, payload in enumerate(late, 1)))
        sizes.append(sum(len(item.payload) for item in forwarding.forwarder.pending))

    forwarding = drainer(tmp_path, sink)
    while step(forwarding):
        pass
    assert len(sizes) == 41
    assert max(sizes) < 1.2 * MIB
