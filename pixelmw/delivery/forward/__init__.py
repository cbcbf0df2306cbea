"""Gets events into a sink whatever it does: tries again, finds the events that it refuses, keeps the order.

Rules:

1. Pending items are sent in order. A batch that failed stays pending, in its place.
2. The exception says whose fault a failure is. ``Undeliverable``: the event's, for ever. ``Unavailable``, or an
   ``OSError`` of the system's (``is_down``): the sink's, for now. Anything else may be either.
3. An event is at fault only if it also fails alone. If a batch fails, halving it finds the event (``BatchSize``). An
   event that was refused in a batch, even if the sink named it, is tried alone first: the sink may have named the
   wrong one.
4. If it is not known whether the sink or the first event is at fault, another event is tried. If the sink takes that
   one, the first event is a suspect: it is tried again now and then, and the others do not wait for it. If the sink
   does not take it either, the sink counts as down.
5. An event is a dead letter after ``_EVIDENCE_NEEDED`` failures, each with other events taken since the last one, or
   when ``retry`` allows no more tries.
6. An item counts as done when the sink has it or its dead letter is stored, and not before. Without ``dead_letter``, an
   item that is dead is logged, is lost, and counts as done.

======= ================================================= ==========================================================
item    event                                             becomes
======= ================================================= ==========================================================
pending the sink takes it                                 done
pending its batch fails, and it is not known why          pending; the next batch is half as large
pending ``Undeliverable``, for it                         dead if it was alone, else refused
pending the sink is down                                  pending; dead if ``retry`` allows no more tries
pending any other error, and the sink takes another item  suspect
pending any other error, and the sink takes no other      pending, until there is evidence enough: dead, or refused
refused tried alone: the sink takes it                    done
refused tried alone: ``Undeliverable``, or rule 5         dead
refused tried alone: the sink is down                     refused
refused tried alone: any other error                      suspect; refused while there are ``_MAX_SET_ASIDE``
suspect tried alone: the sink takes it                    done
suspect tried alone: ``Undeliverable``, or rule 5         dead
suspect tried alone: any other failure                    suspect
suspect more than ``_MAX_SET_ASIDE``, and it has the most dead if it failed alone, else refused
        evidence
dead    the dead letter is stored, or there is no         done
        ``dead_letter``
dead    the dead letter cannot be stored                  dead; with ``_MAX_SET_ASIDE`` of them nothing is forwarded
======= ================================================= ==========================================================

Pending and refused items hold up others. Suspects and dead ones do not: they are *set aside*.
"""

from .forwarder import Forwarder
from .item import Item

__all__ = ["Forwarder", "Item"]
