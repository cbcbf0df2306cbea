"""Group commit: threads that store at the same time share one write and one sync.

This room waits and wakes. It knows neither what is stored nor what an error means.

1. A caller commits at once if nobody else is there, and if the last commit was not
   shared. He leads at once if a lane is free. If none is, he joins the batch that
   gathers behind it: the caller who begins a batch leads it, the others follow.
2. The leader waits until a lane is free and his batch is the first in line. If
   several callers shared the last commit, he gives up his turn once or twice, so
   that they can join with their next items. Then nobody joins any more, and he
   commits the batch.
3. A caller may bring a batch of his own that nobody joins, ``behind``: it waits
   until no other batch does, but no longer than half of its patience.
4. Nobody waits in line longer than his patience. He leaves, and his item is not
   begun. A follower whose commit is under way waits twice his patience, and then
   it is not known what became of his item.
5. While each lane has been taken for more than twice the patience of somebody who
   comes, he is turned away at once.
6. Whoever takes all lanes waits for the commits under way; no other one begins meanwhile.
7. A commit must not call its own group commit: it would wait for itself.

======== ================================================== ========================================================
a batch  what happens                                       becomes
======== ================================================== ========================================================
gathers  somebody comes, and there is room                  gathers, with one more item
gathers  a lane is free, and it is the first in line        begun
gathers  its leader leaves                                  gathers; a follower leads it, or it is forgotten
gathers  a follower leaves                                  gathers, without his item
gathers  ``answer_waiting``                                 done: each of its callers gets that error
begun    the commit returns, or raises                      done: each caller gets what became of his item
begun    its leader is ended before the commit is           lost: each follower looks once a second, and is told
======== ================================================== ========================================================

Any line of this code may be interrupted: by a signal, a greenlet's timeout or
``PyThreadState_SetAsyncExc``. So nothing depends on the last lines of a caller:

* What a caller takes is kept under an object of his own that is made before the
  ``try``. What ends him sets ``has_left`` there, and the others count it as given back.
* Whoever waits looks once a second whether what he waits for is still to come.
* A caller is told that his item is stored only if the result of the commit is there.

A group commit belongs to the process that made it; a child makes its own.
"""

from .batch import Unknown
from .group import GroupCommit
from .lanes import NotBegun

__all__ = ["GroupCommit", "NotBegun", "Unknown"]
