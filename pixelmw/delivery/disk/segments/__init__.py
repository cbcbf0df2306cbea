"""A segment: a file of events with one writer and one reader, who may be two processes, and what they agree on.

Rules:

1. A segment is written by the process that made it, and only appended to. If a write fails, its writer cuts the file
   back to its old size before it releases the lock.
2. A segment is read and removed by the one process that holds the directory's drain lock.
3. A segment has a lock of its own (``flock`` on its file). Its writer appends only while it holds this lock. After
   taking the lock it looks if the segment is as it was left: not sealed, not moved, not longer.
4. Nobody waits long for that lock, since the process that has it may be stopped (SIGSTOP, a debugger, a frozen
   container). The writer goes on in a new segment. The reader goes on with other segments, and comes back.
5. A *seal* is the mode 0400. It asks the writer to go on in a new segment. So nobody has to know whether the writer is
   alive, and a file of a dead process is a file like any other. It is set also if the lock is not to be had: a busy
   writer gives the lock back now and then, and does not take it again once it sees the seal.
6. A seal may be lost: ``chmod -R`` or the mounting of a volume may make the file writable again, and some file systems
   ignore modes. So nothing depends on the seal alone. ``seal`` looks at the mode after it was set, returns only what
   the file held under its lock, and ``remove_read`` deletes only a file that has not grown.
7. Nothing is deleted before the sink, the dead letters or the quarantine have all of it. After a crash a part may be
   sent twice, and nothing is missing.
8. Who copies a segment into a directory that is in use (``scp``, ``mv`` from another disk) takes no lock. An old one
   to which something was written just now may be such a copy: if it ends within a record, it is not read yet, and it
   is not removed until nobody has written to it for a while.

======== ===================== ============================ ================================================ =======
segment  by whom               holding                      what happens                                     becomes
======== ===================== ============================ ================================================ =======
(none)   its writer            commit lock                  ``SegmentWriter``                                written
written  its writer            commit lock, segment's lock  it is as it was left: ``append``, and            written
                                                            ``make_durable``
written  its writer            commit lock, segment's lock  it is full, or not as it was left: ``close``,    (as is)
                                                            and on in a new segment
written  its writer            commit lock                  the lock is not to be had: the same              (as is)
written  its writer            commit lock                  its first sync fails, and nothing in it was      removed
                                                            acknowledged: ``discard``
written  reader                drain lock                   ``seal`` sets the mode, and the lock is not to   sealed
                                                            be had: it is not read yet
written, reader                drain lock, segment's lock   ``seal`` returns what the file holds             read
sealed
sealed,  its writer            commit lock, segment's lock  the seal did not last: ``append``                grown
read
read     reader                drain lock                   all is forwarded, and the lock is not to be had, read
                                                            or it is being copied
read     reader                drain lock, segment's lock   all is forwarded, and ``remove_read`` sees the   removed
                                                            size that was read
grown    reader                drain lock, segment's lock   ``remove_read`` sees more: ``seal`` again, and   read
                                                            read on
any      another reader        drain lock, segment's lock   its predecessor died: ``seal``, and read         read
                                                            from the cursor on
======== ===================== ============================ ================================================ =======

The *commit lock* is a lock of the journal, between the threads of one process. ``Backlog``, which only counts, takes
no lock and reads with ``read_from``.

Modules: ``name``, ``writer``, ``sealed`` (the reading end), ``cursors`` (how much of it is forwarded), ``progress``
(what one reader knows of it).
"""
