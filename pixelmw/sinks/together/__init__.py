"""Who stores at the same time stores together: the one way into a sink that has a ``write``.

``system.groupcommit`` waits and wakes; this room judges what a ``write`` said.

1. *Turns.* ``write`` and ``close`` of one sink object run in turns, whoever calls
   them. A class that says ``lanes = 2`` has two writes at a time. All lanes are
   taken for ``close``, and before a fork. ``lanes = None`` means no turns: such a
   sink looks after itself.
2. *Together.* Visitors who wait for a lane share the next ``write``, of at most
   ``most_together`` events. A worker's batch is shared with nobody, and lets
   visitors go first.
3. *Blame.* A verdict on several events is a verdict on none of them. What does
   not say that the sink is down is searched for by halving; only an event that
   failed alone, or that a ``PartialFailure`` names, is refused.
4. *Time.* ``timeout`` is what one ``write`` may take. Nobody waits in line for
   longer. The search tries no more once the first of its batch has waited that
   long. A write that ended "down" after half of it or more, while no other lane
   stored anything, answers all who wait.
5. *Errors.* Each visitor has an exception of his own. Of a verdict on several,
   only the leader's has the traceback, and one of them is logged.
6. *Text.* A user's ``write`` may change the events. So their texts are taken before
   the first try of a batch, and each later try gets new dicts.
7. *Places.* A ``write`` may pass on a part of its batch, to that of its base or of
   another sink. Then the places of a ``PartialFailure`` are made those in its own.

============================================ =============================== ==============================
a ``write`` of several events                events of the batch             everybody who waits in line
============================================ =============================== ==============================
returns                                      stored                          goes on
raises ``PartialFailure``                    by name; what is untried is     goes on
                                             tried next
raises what says "down", early               all are told                    goes on: they try together
raises what says "down", after half the time all are told                    is told, too
raises anything else                         tried in halves                 goes on
is ended (``SystemExit``, a timeout)         the leader gets it, the others  goes on
                                             are told ``Unavailable``
============================================ =============================== ==============================
"""

from .places import note_batch
from .store import Busy, alone, is_inside, mark_as_in_turn, store, waiting, write_in_turn

__all__ = ["Busy", "alone", "is_inside", "mark_as_in_turn", "note_batch", "store", "waiting", "write_in_turn"]
