"""Whatever somebody puts into a spool's directory: nothing of it is waited for, followed, counted or trusted."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pixelmw import Event
from pixelmw.delivery import Spool
from pixelmw.delivery.disk.directory import SpoolDirectory
from pixelmw.delivery.disk.records import DamagedStretch, Record, encode_record, read_records
from tests.support.processes import run
from tests.support.spools import descriptors, drain, fill, payloads, waiting

_FORWARD = """
import logging, sys
from pixelmw.delivery import Spool
from tests.support.processes import event

events = []
with Spool(sys.argv[1], events.append) as spool:
    spool(event("new"))
    print(spool.flush(10), spool.stats()["queued"], spool.stats()["bytes"])
print(*sorted(each["messageId"] for each in events))
"""


def a_fifo(path: Path) -> None:
    os.mkfifo(path)


def a_folder(path: Path) -> None:
    path.mkdir()


def a_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the path of a socket has 107 characters at most
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(path.name)
    finally:
        os.chdir(here)


def a_link(path: Path) -> None:
    target = path.parent.with_name("elsewhere")
    target.write_bytes(b"not to be touched")
    path.symlink_to(target)


KINDS = [a_fifo, a_folder, a_socket, a_link]


def test_what_is_named_like_a_segment_and_is_none_is_left_alone(tmp_path: Path) -> None:
    directory = tmp_path / "spool"
    segment = fill(directory, ["waits"])
    kinds = {}
    for number, make in enumerate(KINDS):
        planted = segment.with_name(segment.name.replace(segment.name[:14], f"{number:014d}"))
        make(planted)
        kinds[planted] = planted.lstat().st_mode
    assert run(_FORWARD, directory) == ["True", "0", "0", "new", "waits"]
    assert {planted: planted.lstat().st_mode for planted in kinds} == kinds
    assert (tmp_path / "elsewhere").read_bytes() == b"not to be touched"


def test_what_is_named_like_a_cursor_and_is_none_only_costs_the_saving(tmp_path: Path) -> None:
    directory = tmp_path / "spool"
    for make in KINDS:
        segment = fill(directory, [f"before {make.__name__}"])
        make(segment.with_name(f"{segment.name}.cursor"))
    assert run(_FORWARD, directory)[:2] == ["True", "0"]
    assert not list(directory.glob("*.segment"))
    assert (tmp_path / "elsewhere").read_bytes() == b"not to be touched"


@pytest.mark.parametrize("make", KINDS)
def test_what_stands_where_the_drain_lock_should_be_is_told_of_and_not_waited_for(
    tmp_path: Path, make: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    directory = tmp_path / "spool"
    fill(directory, ["waits"])
    make(directory / "drain.lock")
    with Spool(directory, lambda each: None) as spool:
        assert not spool.flush(0.1)
    assert "forwarding from" in caplog.text
    assert waiting(directory) == ["waits"]


@pytest.mark.parametrize("make", KINDS)
def test_what_stands_where_the_destination_is_noted_costs_a_warning_and_no_event(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    directory = tmp_path / "spool"
    fill(directory, ["waits"])
    make(directory / "destination")
    with Spool(directory, lambda each: None) as spool:
        assert spool.flush(10)
    if make is a_link:
        assert (tmp_path / "elsewhere").read_bytes() == b"not to be touched"


def test_the_cursor_of_a_segment_that_is_gone_is_removed_and_a_folder_of_such_a_name_is_not(tmp_path: Path) -> None:
    directory = tmp_path / "spool"
    segment = fill(directory, ["waits"])
    stale, folder = (segment.with_name(f"{segment.name.replace(segment.name[:14], n * 14)}.cursor") for n in "01")
    stale.write_bytes(b"of a segment that is gone")
    folder.mkdir()
    with Spool(directory, lambda each: None) as spool:
        assert spool.flush(10)
    assert not stale.exists()
    assert folder.exists()


def test_looking_at_a_folder_named_like_a_segment_leaks_no_descriptor(tmp_path: Path) -> None:
    segment = fill(tmp_path, ["waits"])
    segment.unlink()
    segment.mkdir()
    (segment / "of somebody").touch()
    for _ in range(20):
        drain(tmp_path, print)
    assert descriptors(tmp_path) == []
    assert SpoolDirectory(tmp_path).segments() == []


@pytest.mark.parametrize(
    "payload",
    [
        b"[1]", b"3", b'"text"', b"null", b"true", b"[]", b'{"n":NaN}', b'{"n":-Infinity}', b'{"n"', b"", b"[" * 10_000,
        '{"n":1}'.encode("utf-16-le"), b'{"n":"\xed\xa0\x80"}', b'{"n":' + b"9" * 5_000 + b"}",
    ],
    ids=["list", "number", "text", "null", "true", "empty list", "NaN", "infinity", "half", "nothing", "deep",
         "UTF-16", "half a pair", "a long number"],
)  # fmt: skip
def test_a_record_that_is_no_event_is_damage_and_the_sink_never_gets_it(tmp_path: Path, payload: bytes) -> None:
    segment = fill(tmp_path, ["before"])
    (after,) = payloads(["after"])
    with segment.open("ab") as file:
        file.write(encode_record(1, payload) + encode_record(2, after))
    events: list[Event] = []
    assert drain(tmp_path, events.append).damaged_records == 1
    assert [each["messageId"] for each in events] == ["before", "after"]
    (kept,) = (tmp_path / "quarantine").iterdir()
    assert payload in kept.read_bytes()


def test_a_segment_of_noise_is_passed_with_few_files_and_few_lines(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    segment = fill(tmp_path, ["before"])
    with segment.open("ab") as file:
        for number, payload in enumerate(payloads(str(n) for n in range(1_000))):
            file.write(b"noise" + encode_record(2 * number + 2, payload))
    data = segment.read_bytes()
    ids: list[str] = []
    assert drain(tmp_path, lambda each: ids.append(each["messageId"])).damaged_records == 1_000
    assert ids == ["before", *map(str, range(1_000))]
    kept = sorted((tmp_path / "quarantine").iterdir(), key=lambda path: int(path.suffix[1:]))
    assert len(kept) == len(caplog.records) == 100
    assert {path.read_bytes() for path in kept[:-1]} == {b"noise"}
    assert kept[-1].read_bytes() == data[int(kept[-1].suffix[1:]) : data.rindex(b"noise") + 5]


def test_what_an_earlier_version_left_is_read_from_its_cursor_on(tmp_path: Path) -> None:
    """The bytes are those of the first version; also where its seal and its drain lock were left."""
    segment = tmp_path / "01795753609773-940d0b792466-000000000000.segment"
    segment.write_bytes(
        b'\xffPX1\x11\x00\x00\x00\xa6*\xfd\xdb\x00\x00\x00\x00\x00\x00\x00\x00{"messageId":"a"}'
        b"\xffPX1,\x00\x00\x00\xda\xdb\xd5\xd6\x01\x00\x00\x00\x00\x00\x00\x00"
        b'{"messageId":"b","properties":{"text":"\xc3\xa9"}}'
    )
    segment.chmod(0o400)
    (tmp_path / f"{segment.name}.cursor").write_bytes(bytes.fromhex("2500000000000000327a3938"))
    (tmp_path / "drain.lock").touch(mode=0o600)
    events: list[Event] = []
    tmp_path.chmod(0o700)
    with Spool(tmp_path, events.append) as spool:
        assert spool.flush(10)
    assert events == [{"messageId": "b", "properties": {"text": "é"}}]
    assert not list(tmp_path.glob("*.segment*"))


def header(size: int) -> bytes:
    """The header of a record whose payload does not have the checksum."""
    return b"\xffPX1" + size.to_bytes(4, "little") + bytes(4) + bytes(8)


_FORGED: dict[str, Callable[[int], bytes]] = {
    "headers of all that follows": lambda size: b"".join(header(max(0, size - at - 20)) for at in range(0, size, 20)),
    "headers of half of that": lambda size: b"".join(header((size - at) // 2) for at in range(0, size, 20)),
    "marks": lambda size: b"\xffPX1" * (size // 4),
    "marks that are followed by a length": lambda size: b"\xffPX1\x00\x00\x08\x00" * (size // 8),
    "headers in a header, before a long text": lambda size: (b"\xffPX1\x00\xf0\x00\x00" * 2 + b"x" * 61_440) * (
        size // 61_456
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", _FORGED)
def test_a_megabyte_of_forged_headers_is_passed_in_a_moment(kind: str) -> None:
    data = _FORGED[kind](2**20)
    (last,) = payloads(["last"])
    started = time.process_time()
    found = list(read_records(data + encode_record(7, last), 0))
    assert time.process_time() - started < 2  # 10 s and more, where each is summed up
    assert [type(each) for each in found] == [DamagedStretch, Record]
    assert found[1].end == len(data) + len(encode_record(7, last))
