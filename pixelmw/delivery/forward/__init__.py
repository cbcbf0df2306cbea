"""Gets events into a sink whatever it does: tries again, finds the events that it refuses, keeps the order.

Rules; the tables of the states stand in ``states``:

1. Waiting items are sent in order. A batch that failed stays waiting, in its place.
2. The exception says whose fault a failure is. ``Undeliverable``: the event's, for ever. ``Unavailable``, or an
   ``OSError`` of the system's (``is_down``): the sink's, for now. Anything else may be either.
3. Who in a batch is at fault, the search of ``sinks.together`` finds (``attempt``). What is left for this room is the
   proof before a burial (``Proof``): an event that was refused among others, even by name, is tried alone first.
4. If it is not known whether the sink or the first event is at fault, another event is tried. If the sink takes that
   one, the first event is a suspect: it is tried again now and then, and the others do not wait for it. If the sink
   does not take it either, the sink counts as down.
5. An event is buried after eight failures, each with other events taken since the last one, or when ``retry`` allows
   no more tries.
6. ``MAX_REFUSALS`` events refused in a row, with none taken in between, are a verdict on us: a key, a table or a plan
   was changed. Then nothing is buried, and one event is tried after each pause.
7. A batch may be too much for the destination: it is made smaller, down to one event, and grows again (``BatchSize``).
   A batch never holds more than 1 MiB of text.
8. The sink is left alone until a pause is over, whoever is in a hurry (``Pause``): ``flush`` waits.
9. An item is done when the sink has it or it is buried, and not before. Without ``dead_letter``, an item that is dead
   is logged, is lost, and counts as buried.
"""

from .batch_size import MAX_BATCH_BYTES
from .forwarder import Forwarder
from .item import Item

__all__ = ["MAX_BATCH_BYTES", "Forwarder", "Item"]
