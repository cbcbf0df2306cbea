"""Random UUIDs: valid, and never the same on both sides of a fork."""

from __future__ import annotations

import subprocess
import sys
import threading
import uuid

import pytest

from pixelmw.system.ids import random_uuid
from tests.support.needs import give_up

FORK = """
import ctypes, os
from pixelmw.system.ids import random_uuid
random_uuid()
fork = {fork}
read, write = os.pipe()
if fork() == 0:
    os.write(write, "\\n".join(random_uuid() for _ in range(300)).encode())
    os._exit(0)
os.close(write)
ids = [random_uuid() for _ in range(300)] + os.fdopen(read).read().split()
os.wait()
print(len(ids), len(set(ids)))
"""


def test_ids_are_random_uuids_all_different() -> None:
    ids = [random_uuid() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert all(str(uuid.UUID(each)) == each and uuid.UUID(each).version == 4 for each in ids)


def test_threads_get_different_ids() -> None:
    ids = []
    start = threading.Barrier(8)

    def take() -> None:
        start.wait()
        ids.extend([random_uuid() for _ in range(1000)])

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(ids)) == len(ids) == 8000


@pytest.mark.parametrize("fork", ["os.fork", "ctypes.CDLL(None).fork"], ids=["Python's fork", "a server's own fork"])
def test_a_child_makes_other_ids_than_its_parent(fork: str) -> None:
    command = [sys.executable, "-c", FORK.format(fork=fork)]
    assert subprocess.run(command, text=True, capture_output=True, timeout=30).stdout == "600 600\n"


NAMESPACE = """
import ctypes, os, sys
from pixelmw.system.ids import random_uuid
libc = ctypes.CDLL(None)
CLONE_NEWPID = 0x20000000
fork = {fork}
if libc.unshare(CLONE_NEWPID):
    sys.exit("no right to make a namespace")
read, write = os.pipe()
if fork() == 0:
    ids = [random_uuid()]
    libc.unshare(CLONE_NEWPID)
    if fork() == 0:
        os.write(write, f"{{os.getpid()}} {{' '.join(random_uuid() for _ in range(300))}}\\n".encode())
        os._exit(0)
    os.wait()
    os.write(write, f"{{os.getpid()}} {{' '.join(random_uuid() for _ in range(300))}}\\n".encode())
    os._exit(0)
os.close(write)
os.wait()
(pid, *child), (parents_pid, *parent) = [line.split() for line in os.fdopen(read).read().splitlines()]
print(pid, parents_pid, len({{*child, *parent}}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has namespaces of process ids")
@pytest.mark.parametrize("fork", ["os.fork", "libc.fork"], ids=["Python's fork", "a server's own fork"])
def test_a_child_in_a_namespace_of_its_own_makes_other_ids_than_its_parent(fork: str) -> None:
    """Both have the process id 1, as a container has that starts one within it."""
    ran = subprocess.run(
        [sys.executable, "-c", NAMESPACE.format(fork=fork)], text=True, capture_output=True, timeout=30
    )
    if "no right" in ran.stderr:
        give_up("this user may not make a namespace of process ids")
    assert ran.stdout == "1 1 600\n"
