"""A spool's directory: segments on disk, who writes and reads them, and how much there may be.

Any number of processes share a directory. They agree by these rules:

1. A segment is a file with one writer, the *journal* that created it. The writer only appends. If a write fails, the
   writer cuts the file back to its old size before it releases the lock.
2. One process forwards for all: the one that holds the lock of ``drain.lock``, the *drain lock*. The system gives the
   lock back when that process dies.
3. A segment has a lock of its own (``flock`` on its file). Its writer appends only while it holds this lock. After
   taking the lock it calls ``may_append``, which returns True if the segment is as the writer left it: not sealed, not
   moved, not longer.
4. A *seal* is the mode 0400. It asks the writer to go on in a new segment. So nobody has to know whether the writer is
   alive, and a file of a dead process is a file like any other.
5. A seal may be lost: ``chmod -R`` or the mounting of a volume may make the file writable again, and some file systems
   ignore modes. So nothing depends on the seal alone. ``seal`` returns only what the file held under its lock, and
   ``remove_read`` deletes only a file that has not grown.
6. Nothing is deleted before the sink, the dead letters or ``quarantine`` have all of it. After a crash a part may be
   sent twice, and nothing is missing.

What happens to a segment:

======== ===================== ============================ ================================================ =======
segment  by whom               holding                      what happens                                     becomes
======== ===================== ============================ ================================================ =======
(none)   its writer            commit lock                  ``create``                                       written
written  its writer            commit lock, segment's lock  ``may_append`` says yes: append, and sync        written
written  its writer            commit lock, segment's lock  it is full, or ``may_append`` says no: the       (as is)
                                                            journal goes on in a new segment
written  its writer            commit lock                  its first sync fails, and nothing in it was      removed
                                                            acknowledged: ``remove``
written  forwarding process    drain lock, segment's lock   ``seal``                                         sealed
sealed   forwarding process    drain lock                   reads as much as ``seal`` saw under the lock     read
read     its writer            commit lock, segment's lock  the seal did not last: append                    grown
read     forwarding process    drain lock, segment's lock   all is forwarded, and ``remove_read`` sees the   removed
                                                            size that was read
grown    forwarding process    drain lock, segment's lock   ``remove_read`` sees more: ``seal`` again, and   read
                                                            read on
any      another process       drain lock, segment's lock   its predecessor died: ``seal``, and read         read
                                                            from the cursor on
======== ===================== ============================ ================================================ =======

The *commit lock* is a lock of the journal, between the threads of one process. ``Backlog``, which only counts, takes
no lock and reads with ``read_from``.

Modules: ``segment`` (a name), ``records`` (the format), ``directory`` and ``cursors`` (files and locks), ``journal``
(writes), ``reader`` and ``drainer`` (read and forward), ``worker`` (the thread and its turns), ``quota`` (how much
there may be), ``backlog`` (how much there is), ``throttle`` (reading gives way to writing), ``dead_letters``.
"""
