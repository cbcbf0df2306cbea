"""The table of the contract: each point has a sentence, which is the name of its test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from . import batches, failures, lifecycle, outside, processes, single, threads, together, turns
from .arrivals import Deviation
from .bench import Bench, Unreadable

Point = Callable[[Bench], Iterator[Deviation]]


def found_at(point: Point, bench: Bench) -> list[Deviation]:
    """Return the deviations that *point* finds, up to a call that does not return: another one would not, either.

    :raises Skip: if it does not apply.
    """
    found = []
    try:
        for deviation in point(bench):
            found.append(deviation)
            if deviation.kind == "hung":
                break
    except Unreadable as error:
        found.append(Deviation(str(error), "unreadable"))
    return found


#: In this order. What closes the sink comes last, since a sink that cannot be used again would fail all the rest.
POINTS: Mapping[str, Point] = MappingProxyType(
    {
        "an event is stored when its call returns": single.at_once,
        "every type of event comes back as it was": single.every_type,
        "awkward text and numbers come back as they were": single.awkward_values,
        "messageIds that look alike are two events": single.similar_ids,
        "what is large is stored whole or refused": single.large,
        "what it is given is left as it was": single.unchanged,
        "what happens to an event after the call does not reach the store": single.kept_copies,
        "a repeated messageId is taken": single.repeated,
        "a repeated messageId is stored once": single.stored_once,
        "a batch is stored whole and in order": batches.whole_and_in_order,
        "the list of a batch is neither changed nor kept": batches.list_is_the_callers,
        "a failure of a batch names the events that are not stored": batches.blame,
        "threads may call it at the same time": threads.at_the_same_time,
        "a thread may be interrupted anywhere in a call": threads.interrupted_anywhere,
        "an exception from outside ends one thread only": outside.from_outside,
        "what it never takes is refused alone": failures.refusal,
        "what it never takes is refused alone among threads": together.one_guilty,
        "while it is down it raises and loses nothing": failures.down,
        "while it is down each thread hears of it": together.all_told,
        "while a call hangs nobody waits for ever": together.none_waits_for_ever,
        "what fails is left as it was": failures.left_as_it_was,
        "what it raises shows nothing of the event": failures.shows_nothing,
        "a child process stores as its parent does": processes.child,
        "a fork in the middle of a call loses nothing": turns.forked_in_a_call,
        "flush tells the truth and keeps to its time": lifecycle.flush,
        "it can be closed twice and used again": lifecycle.close,
        "visitors and a worker and close may meet": turns.beside_a_worker,
    }
)
