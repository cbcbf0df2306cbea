"""A spool's directory: segments on disk, who writes and reads them, and how much there may be.

Any number of processes share a directory. They agree by these rules:

1. A segment has one writer, the *journal* of one process, and one reader; what they agree on, and what happens to a
   segment, stands in :mod:`pixelmw.delivery.disk.segments`.
2. One process forwards for all: the one that holds the lock of ``drain.lock``, the *drain lock*. It loses the lock when
   it dies, or does not run for some seconds: ``drain_lock`` has the rules.
3. Whatever a process finds in the directory may have been put there by somebody else: :mod:`.open_directory` opens
   it, :mod:`.records` checks it, and what is no spool's is left alone.
4. What waits has one bound, dead letters and quarantine another (``quota``), so that neither takes the other's room.
   Of a disk that gets full, new events leave the last to dead letters (``disk_reserve``).

Modules: ``open_directory`` and ``directory`` (the place), ``destination`` (whose events they are), ``segments`` and
``records`` (the files), ``journal`` (writes), ``reader`` and ``drainer`` (read and forward), ``drain_lock`` and
``turns`` (who forwards), ``quota`` and ``disk_reserve`` (how much there may be), ``backlog`` (how much there is),
``in_flight`` (what the sink is called with), ``throttle`` (reading gives way to writing), ``dead_letter_store`` and
``quarantine``.
"""
