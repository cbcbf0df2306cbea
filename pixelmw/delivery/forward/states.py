"""The states of an item on its way, and of the sink that it goes to.

An item:

======= ================================================= ==========================================================
state   event                                             becomes
======= ================================================= ==========================================================
WAITING the sink takes it                                 done
WAITING ``Undeliverable`` for it alone                    DEAD; TRIED if the sink is to blame (``Proof``)
WAITING ``Undeliverable`` for it, by name, among others   TRIED
WAITING any other error, alone, and an item behind it is  SUSPECT; TRIED while there are ``MAX_SET_ASIDE`` of these
        taken
WAITING any other error, alone, and none behind it is     WAITING; DEAD if the proof is complete
        taken
WAITING the sink is down, or it was not tried             WAITING; DEAD if ``retry`` allows no more tries
TRIED   alone: the sink takes it                          done
TRIED   alone: ``Undeliverable``, or the proof is         DEAD
        complete
TRIED   alone: the sink is down                           TRIED
TRIED   alone: any other error                            SUSPECT; TRIED while there are ``MAX_SET_ASIDE`` of these
SUSPECT alone: the sink takes it                          done
SUSPECT alone: ``Undeliverable``, or the proof is         DEAD
        complete
SUSPECT alone: any other failure                          SUSPECT
DEAD    its dead letter is stored, or there is no         BURIED
        ``dead_letter``
DEAD    its dead letter cannot be stored                  DEAD; with ``MAX_SET_ASIDE`` of them nothing is forwarded
======= ================================================= ==========================================================

WAITING and TRIED items hold up the others. SUSPECT and DEAD ones do not: they are *set aside*.

The sink:

======= =============================================== =============================================================
state   event                                           becomes
======= =============================================== =============================================================
any     it takes something                              FLOWING; HALVING while batches are smaller than ``max_batch``
any     it says that it is down                         DOWN: the same batch again, after the pause
DOWN    a batch found it so three times                 DOWN: after the pause half of the batch, down to one event
any     it refused ``MAX_REFUSALS`` events in a row     DOWN: after each pause one event
any     a batch fails without a word on any event       HALVING: half of the batch, after a pause
any     it takes nothing, and one event failed alone    DOUBTED: after the pause the first event alone
        with an unknown error
DOUBTED the first event fails again                     another one is tried: if the sink takes that, the first is a
                                                        SUSPECT; if not, DOUBTED
======= =============================================== =============================================================
"""

from __future__ import annotations

from enum import Enum, auto

#: Items that are tried alone in one step: tried ones, or suspects after a batch went well.
ALONE_PER_STEP = 8
#: At most so many suspects, and so many dead items: they are in memory, and a directory may hold any number.
MAX_SET_ASIDE = 100


class ItemState(Enum):
    """Where an item is on its way. What the sink has taken is in none of these states: it is done, and forgotten."""

    WAITING = auto()  # is sent in its turn
    TRIED = auto()  # was refused; is tried alone before anything else is sent
    SUSPECT = auto()  # failed where others were taken; is tried alone now and then
    DEAD = auto()  # its dead letter is to be stored
    BURIED = auto()  # its dead letter is stored, or it is lost


class SinkState(Enum):
    """What the last calls of the sink said about it."""

    FLOWING = auto()
    HALVING = auto()  # takes batches, but smaller ones: the last large one was too much
    DOUBTED = auto()  # fails, and it is not known whether it or the first event is at fault
    DOWN = auto()  # takes nothing: it says so, or it has refused everything for a while
