"""What the tests of the spool share: how much each does, the figures it shows, what is stored, and volumes to break."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from fcntl import ioctl
from pathlib import Path
from typing import Any

from pixelmw import Event
from pixelmw.delivery import Retry, Spool
from pixelmw.delivery.disk.directory import SpoolDirectory
from pixelmw.delivery.disk.drainer import Drainer
from pixelmw.delivery.disk.journal import Journal
from pixelmw.delivery.disk.records import Record, read_records
from pixelmw.sinks.encoding import encode
from tests.support.needs import give_up, need
from tests.support.processes import run

#: Whether the tests do as much as the figures that are published about them ask for; it takes minutes.
FULL = os.environ.get("PIXELMW_TEST_SCALE") == "full"

_SHUTDOWN, _WITHOUT_LOG_FLUSH = 0x8004587D, struct.pack("I", 2)  # EXT4_IOC_SHUTDOWN

#: Begins a script whose spool runs no thread, as under uWSGI without --enable-threads.
THREADLESS = """
import logging, os, sys, types
sys.modules["uwsgi"] = types.SimpleNamespace(opt={})
logging.disable()
"""


def scale(few: int, full: int) -> int:
    """How many times: *few* in an ordinary run, *full* with PIXELMW_TEST_SCALE=full."""
    return full if FULL else few


def sample(points: list[Any], few: int) -> list[Any]:
    """At most about *few* of *points*, spread evenly, or all of them at full scale."""
    return points if FULL else points[:: max(1, len(points) // few)]


def report(title: str, **counts: object) -> None:
    """Show the figures of a test, under ``pytest -s``."""
    print(f"\n{title}: {', '.join(f'{name} {count}' for name, count in counts.items())}")


def payloads(ids: Iterable[str], size: int = 0) -> list[bytes]:
    """Small events, or some with about *size* bytes, as a journal takes them."""
    return [encode({"messageId": each, "event": "e", "text": "x" * size}) for each in ids]


def fill(directory: Path, ids: Iterable[str], *, sync: bool = False) -> Path:
    """Store events in one segment of *directory*, as a process does that dies at once; returns the segment's path."""
    place = SpoolDirectory(directory)
    place.prepare()
    before = set(place.segments())
    with closing(Journal(place, sync=sync)) as journal:
        for payload in payloads(ids):
            journal.append([payload])
    (segment,) = set(place.segments()) - before
    return directory / segment.name


def waiting(directory: Path) -> list[str]:
    """The ids of the events that wait in *directory*, in the order in which they are to be forwarded."""
    place = SpoolDirectory(directory)
    return [
        json.loads(record.payload)["messageId"]
        for segment in place.segments()
        for record in read_records((directory / segment.name).read_bytes(), segment.first_sequence)
        if isinstance(record, Record)
    ]


def drainer(directory: Path, sink: Callable[[Event], object], **options: Any) -> Drainer:
    """A drainer of *directory* that is stepped by the test, not by a thread."""
    options = {"retry": Retry(), "dead_letter": lambda letter: None, **options}
    return Drainer(SpoolDirectory(directory), sink, **options)


def drain(directory: Path, sink: Callable[[Event], object], **options: Any) -> Drainer:
    """Forward all of *directory* to *sink*, in this thread."""
    drainer_ = drainer(directory, sink, **options)
    step_to_the_end(drainer_)
    return drainer_


def step(forwarding: Drainer) -> bool:
    """Have *forwarding* take a step; returns False if nothing is left."""
    return not forwarding.step().nothing_is_left


def step_to_the_end(forwarding: Drainer) -> None:
    """Have *forwarding* take steps until nothing is left."""
    for _ in range(100_000):
        if not step(forwarding):
            return
    raise AssertionError("draining does not end")


_DRAIN = """
import sys
from pixelmw.delivery import Spool
from pixelmw.sinks import JSONLines

with Spool(sys.argv[1], JSONLines(sys.argv[2], sync=False)) as spool:
    print(spool.flush(100))
"""


def drain_in_a_new_process(directory: Path, lines: Path) -> None:
    """Forward all of *directory* to a file of lines, in a process of its own."""
    assert run(_DRAIN, directory, lines) == ["True"]
    assert waiting(directory) == []


def drained(directory: Path) -> list[str]:
    """The ids of the events that a new spool of *directory* forwards."""
    events: list[Event] = []
    with Spool(directory, events.append) as spool:
        assert spool.flush(60)
    return [event["messageId"] for event in events]


def descriptors(below: Path) -> list[str]:
    """The files below a directory that this process has open."""
    found = []
    for link in Path("/proc/self/fd").iterdir():
        try:
            found.append(str(link.readlink()))
        except FileNotFoundError:  # the one that read the directory
            continue
    return [path for path in found if path.startswith(f"{below}{os.sep}")]


class Volume:
    """An ext4 file system of its own, to be cut off and mounted again."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "volume"
        self._image = directory / "image"

    def make(self) -> None:
        self.path.mkdir()
        with self._image.open("wb") as image:
            image.truncate(64 * 2**20)
        subprocess.run([need("mkfs.ext4"), "-q", "-F", self._image], check=True)

    def mount(self) -> None:
        subprocess.run(["mount", "-o", "loop", self._image, self.path], check=True)

    def unmount(self) -> None:
        """Fails where anybody has a file of it open."""
        subprocess.run(["umount", self.path], check=True)

    def cut_power(self) -> None:
        """Nothing that is not on the device by now will ever get there."""
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            ioctl(descriptor, _SHUTDOWN, _WITHOUT_LOG_FLUSH)
        finally:
            os.close(descriptor)

    def abort(self) -> None:
        """As after an error of the device: the file system is read-only from now on."""
        subprocess.run(["mount", "-o", "remount,abort", self.path], check=True)


@contextmanager
def volume(directory: Path) -> Iterator[Volume]:
    """A volume that is mounted; the test is skipped where that cannot be, and fails in CI."""
    made = Volume(directory)
    if os.geteuid() or not shutil.which("mount"):
        give_up("a file system cannot be mounted here")
    made.make()
    try:
        made.mount()
    except subprocess.CalledProcessError:
        give_up("a loop device cannot be mounted here")
    try:
        yield made
    finally:
        # Lazily: what kept it open may be what the test is about to tell.
        subprocess.run(["umount", "--lazy", made.path], check=False, capture_output=True)
