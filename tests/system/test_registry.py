"""What exists somewhere is looked through while other threads make more of it."""

from __future__ import annotations

import gc
import threading

from pixelmw.system.fork import PerProcess
from pixelmw.system.registry import Registry
from tests.support.processes import run_measured


class Thing:
    """Something that can be held by a weak reference."""


def test_what_no_longer_exists_is_not_among_it() -> None:
    registry: Registry[Thing] = Registry()
    things = [Thing() for _ in range(5)]
    for thing in things:
        registry.add(thing)
    assert list(registry) == things
    registry.discard(things.pop(1))
    del things[0], thing
    gc.collect()
    assert (list(registry), len(registry)) == (things, 3)
    registry.clear()
    assert list(registry) == []


def test_threads_may_add_while_another_one_looks() -> None:
    registry: Registry[Thing] = Registry()
    is_over = threading.Event()

    def add() -> None:
        while not is_over.is_set():
            kept = [Thing() for _ in range(50)]
            for each in kept:
                registry.add(each)

    adding = [threading.Thread(target=add) for _ in range(3)]
    for thread in adding:
        thread.start()
    try:
        seen = [sum(1 for _ in registry) for _ in range(100)]
    finally:
        is_over.set()
        for thread in adding:
            thread.join(20)
    assert max(seen) > 0


_SAME_PID = """
import os, signal, warnings
warnings.simplefilter("ignore", DeprecationWarning)
os.getpid = lambda: 1  # as in a container within a container
signal.alarm(30)
from pixelmw.system.fork import PerProcess, take_before_fork
from pixelmw.system.ids import random_uuid

class Lane:
    def take(self, timeout): os.write(1, b"taken ")
    def give_back(self): pass

abandoned = []
value = PerProcess(object, abandon=abandoned.append)
mine = value.get()
first = random_uuid()
lane = Lane()
take_before_fork(lane)
pid = os.fork()
if pid == 0:
    own = value.get()
    os.write(1, f"{own is not mine} {abandoned == [mine]} {random_uuid()} ".encode())
    again = os.fork()  # does not take the parent's lane
    if again:
        os.waitpid(again, 0)
    os._exit(0)
os.waitpid(pid, 0)
os.write(1, f"{random_uuid()} {value.get() is mine}".encode())
os._exit(0)
"""


def test_a_child_with_the_process_id_of_its_parent_uses_nothing_of_it() -> None:
    taken, has_own, has_abandoned, childs_id, parents_id, has_kept = run_measured(_SAME_PID)
    assert (taken, has_own, has_abandoned, has_kept) == ("taken", "True", "True", "True")
    assert childs_id != parents_id


def test_a_value_that_was_given_away_is_made_anew() -> None:
    value = PerProcess(Thing)
    first = value.get()
    assert value.pop() is first
    assert value.existing() is None
    assert value.get() is not first
