"""Each safeguard of sinks and deliveries: what is taken away by ``tests/safeguards.py``, and who is to notice."""

from __future__ import annotations

from typing import NamedTuple


class Safeguard(NamedTuple):
    """What is taken away, by replacing a text that stands once in a file, and the tests that are to notice."""

    file: str
    text: str
    instead: str
    tests: str
    besides: str = ""  # what the replacement needs, at the end of the file


_TWICE = """
def _twice(sync, descriptor):
    try:
        sync(descriptor)
    except OSError:
        sync(descriptor)
"""

_BORN = """
import time
Drainer.born = property(lambda self: self.__dict__.setdefault("since", time.time() * 1000))
"""
_FAULTS = "delivery/disk/test_faults.py::"

SAFEGUARDS = {
    "fsync": Safeguard(
        "delivery/disk/segments/writer.py", "self._sync(self._descriptor)", "pass", f"{_FAULTS}test_nothing_is"),
    "fsync of a new file": Safeguard(
        "delivery/disk/segments/writer.py", "self._sync_new(self._descriptor)", "pass", f"{_FAULTS}test_nothing_is"),
    "fsync of the directory": Safeguard(
        "delivery/disk/segments/writer.py", "opened.sync()", "pass", f"{_FAULTS}test_nothing_is"),
    "a failed fsync is not tried again": Safeguard("delivery/disk/segments/writer.py", "self._sync(self._descriptor)",
        "_twice(self._sync, self._descriptor)", f"{_FAULTS}test_a_sync_that_fails", _TWICE),
    "CRC": Safeguard("delivery/disk/records.py", " if _checksum(size, sequence, payload) == checksum else None", "",
        "delivery/disk/test_damage.py::test_each_flipped_byte"),
    "truncation": Safeguard("delivery/disk/segments/writer.py", "os.ftruncate(self._descriptor, self.size)", "pass",
        "delivery/disk/test_full.py::test_a_full_disk"),
    "order of delete": Safeguard(
        "delivery/disk/reader.py", "progress = self.in_progress[segment] = SegmentProgress(segment, data)",
        "progress = self.in_progress[segment] = SegmentProgress(segment, data)\n"
        "        (self._directory.path / segment.name).unlink()",
        "delivery/disk/test_kills.py::test_a_spool_that_is_killed"),
    "takeover": Safeguard("delivery/disk/drainer.py", "return segment not in self._reader.in_progress and",
        "return segment.created_ms > self.born and segment not in self._reader.in_progress and",
        "cli/test_drain.py::test_what_is_left", _BORN),
    "quarantine": Safeguard("delivery/disk/reader.py", "self._quarantine.keep(", "str(",
        "delivery/disk/test_damage.py::test_each_flipped_byte"),
    "a sealed segment is left": Safeguard(
        "delivery/disk/journal.py", "if current.lock() and", "if (current.lock() or True) and",
        "delivery/disk/test_full.py::test_a_directory_that_has_its_size"),
    "a segment that is being copied stays": Safeguard(
        "delivery/disk/segments/sealed.py", "if _is_being_copied(segment, status):", "if False:",
        "delivery/disk/test_copies.py::test_a_segment_that_is_copied"),
    "a cursor is checked": Safeguard(
        "delivery/disk/segments/cursors.py", "if checksum == _checksum(segment, offset) else 0", "",
        "delivery/disk/test_damage.py::test_each_flipped_bit_of_a_cursor"),
    "a look before removal": Safeguard(
        "delivery/disk/segments/sealed.py", "if status.st_size > size:", "if False:",
        "delivery/disk/test_seals.py::"),
    "a look before removal, at each step": Safeguard(
        "delivery/disk/segments/sealed.py", "if status.st_size > size:", "if False:",
        "delivery/disk/test_seals_undone.py::"),
    "the look is under the lock": Safeguard(
        "delivery/disk/segments/sealed.py", "if not try_to_lock_file(descriptor):", "if False:",
        "delivery/disk/test_seals_undone.py::"),
    "who is stopped is not waited for, reading": Safeguard(
        "delivery/disk/segments/sealed.py", "if not is_locked and not lock_file_within(descriptor, patience):",
        "if not is_locked and not lock_file_within(descriptor, 2):",
        "delivery/disk/test_stopped.py::test_a_locked_segment_is_passed_over"),
    "who is stopped is not waited for, storing": Safeguard(
        "delivery/disk/segments/writer.py", "_LOCK_PATIENCE = 0.1", "_LOCK_PATIENCE = 4",
        "delivery/disk/test_stopped.py::test_a_visitor_does_not_wait"),
    "a seal without the lock": Safeguard(
        "delivery/disk/segments/sealed.py", "with suppress(OSError):  # some file systems refuse; the look at",
        "if is_locked:  #", "delivery/disk/test_stopped.py::test_what_is_written_on_a_file_system"),
    "what is locked is come back to": Safeguard("delivery/disk/drainer.py", "and self._reader.locked:", "and False:",
        "delivery/disk/test_stopped.py::"),
    "no link is followed": Safeguard(
        "delivery/disk/open_directory.py", "_FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK",
        "_FLAGS = os.O_CLOEXEC | os.O_NONBLOCK", "delivery/disk/test_found.py::"),
    "no folder elsewhere": Safeguard(
        "delivery/disk/open_directory.py", "os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW",
        "os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC", "delivery/disk/test_root.py::test_a_folder_that_leads"),
    "only regular files are opened": Safeguard(
        "delivery/disk/open_directory.py", "if not stat.S_ISREG(status.st_mode):", "if False:",
        "delivery/disk/test_found.py::"),
    "only regular files are segments": Safeguard(
        "delivery/disk/directory.py", "if not entry.is_file(follow_symlinks=False):", "if False:",
        "delivery/disk/test_found.py::"),
    "no other name of a file of root's": Safeguard(
        "delivery/disk/open_directory.py", "and status.st_nlink > 1:", "and False:",
        "delivery/disk/test_root.py::test_a_file_of_roots"),
    "what root makes is given away": Safeguard(
        "delivery/disk/open_directory.py", "if self._is_of_another_user and os.geteuid() == 0:", "if False:",
        "delivery/disk/test_root.py::test_a_drain_under_root"),
    "no segment of any size": Safeguard(
        "delivery/disk/segments/name.py", "MAX_SEGMENT_BYTES = 256 * 2**20", "MAX_SEGMENT_BYTES = 2**62",
        "delivery/disk/test_sizes.py::test_a_file_larger"),
    "a close that hangs is not waited for": Safeguard(
        "delivery/closing.py", "task.wait(max(timeout, _PATIENCE))", "task.wait(60)",
        "delivery/test_closing.py::test_close_returns"),
    "a mode is set back": Safeguard("delivery/disk/directory.py", "os.fchmod(opened.descriptor, 0o700)", "pass",
        "delivery/disk/test_volumes.py::"),
    "not for others' directories": Safeguard(
        "delivery/disk/directory.py", "or not all(map(is_spool_name, opened.names())):", "or False:",
        "delivery/disk/test_volumes.py::"),
    "not for temporary files": Safeguard(
        "delivery/disk/directory.py", "if mode & stat.S_ISVTX or", "if", "delivery/disk/test_volumes.py::"),
    "forged headers": Safeguard(
        "delivery/disk/records.py", "if data.find(b\"\\xff\", start + _HEADER.size, end) >= 0:", "if False:",
        "delivery/disk/test_found.py::test_a_megabyte"),
    "a record is an object": Safeguard("delivery/disk/reader.py", "if not isinstance(event, dict):", "if False:",
        "delivery/disk/test_found.py::test_a_record_that_is_no_event"),
    "a bound of dead letters": Safeguard(
        "delivery/disk/dead_letter_store.py", "except Full as full:", "except ZeroDivisionError as full:",
        "delivery/disk/test_dead_bound.py::test_past_the_bound"),
    "what waits has its own room": Safeguard(
        "delivery/disk/directory.py", "return self._size_of(self.path)\n",
        "return self._size_of(self.path) + self.bytes_dead()\n", "delivery/disk/test_dead_bound.py::test_dead_letters"),
    "the destination is remembered": Safeguard(
        "delivery/disk/destination.py", "os.pwrite(descriptor, self._name.encode(), 0)", "pass",
        "delivery/disk/test_destination.py::test_two_sites"),
    "the destination is looked at when a spool is made": Safeguard(
        "delivery/spool.py", "self._destination.look()", "pass",
        "delivery/disk/test_destination.py::test_another_destination"),
    "a call that hangs is given up": Safeguard(
        "cli/forwarding.py", "self._drainer.give_up()", "pass",
        "cli/test_drain_hangs.py::test_a_call_that_hangs"),
    "what was taken before a hanging call is done": Safeguard(
        "delivery/disk/drainer.py", "self._reader.on_done(taken)", "pass",
        "delivery/disk/test_close.py::test_the_next_process"),
    "a commit that close did not wait for closes its file": Safeguard(
        "delivery/disk/journal.py", "if self._is_to_close:", "if False:",
        "delivery/disk/test_hanging_disk.py::test_a_journal"),
    "a dict of its own for each try": Safeguard(
        "delivery/forward/item.py", "event, self._event = self._event, None",
        "event = self._event = self._event or decode(self.payload)", "delivery/test_text.py::"),
    "who was refused in company is tried alone": Safeguard(
        "delivery/forward/proof.py", "return item.failed_alone and (", "return (",
        "delivery/forward/test_company.py::"),
    "the holder of the turn gives signs": Safeguard(
        "delivery/disk/drain_lock.py", "        watch(self)\n", "", "delivery/disk/test_turns.py::test_one_whose_sink"),
    "the turn of one that is stopped is taken": Safeguard(
        "delivery/disk/drain_lock.py", "return now - self._sign_seen_at >= LAPSE", "return False",
        "delivery/disk/test_turns.py::test_another_process_forwards"),
    "who lost the turn notices": Safeguard(
        "delivery/disk/drain_lock.py", "if not self._is_in_place(self._descriptor):", "if False:",
        "delivery/disk/test_turns.py::test_of_two"),
    "a batch is bounded by bytes": Safeguard(
        "delivery/forward/batch_size.py", "MAX_BATCH_BYTES = 2**20", "MAX_BATCH_BYTES = 2**62",
        "delivery/test_bytes.py::test_a_batch"),
    "a queue in memory is bounded by bytes": Safeguard(
        "delivery/memory_queue.py", "> self._max_bytes:", "> 2**62:", "delivery/test_bytes.py::test_a_queue"),
    "one thread forwards": Safeguard(
        "system/one_thread.py", "if self._running is not None:", "if False:",
        "system/test_one_thread.py::"),
    "a sink that refuses everything is to blame": Safeguard(
        "delivery/forward/proof.py", "return self.refusals >= MAX_REFUSALS", "return False",
        "delivery/forward/test_refuser.py::test_a_wrong_change"),
    "in a row is with none taken between": Safeguard(
        "delivery/forward/forwarder.py", "for item in outcome.refused_last)", "for item in outcome.refused)",
        "delivery/forward/test_refuser.py::test_bad_events_among"),
    "who is stopped has not died": Safeguard(
        "delivery/disk/in_flight.py", "if is_free := try_to_lock_file(self._descriptor):", "if is_free := True:",
        "delivery/disk/test_in_flight_stopped.py::test_however"),
    "a dead letter that kills is on disk": Safeguard(
        "delivery/disk/drainer.py", "with self.in_flight.flying(1, call):", "if True:",
        "delivery/disk/test_deadly_dead_letter.py::test_after_three_deaths"),
    "new events leave room for dead letters": Safeguard(
        "delivery/spool_in_process.py", "reserve.admit(size)", "pass",
        "delivery/disk/test_disk_reserve.py::test_a_full_disk"),
    "nothing ends a pause": Safeguard(
        "delivery/forward/condition.py", "return max(0.0, min(self._until, self._began + longest) - self._clock())",
        "return 0.0", "delivery/forward/test_pauses.py::"),
    "a batch that is too much is made smaller": Safeguard(
        "delivery/forward/batch_size.py", "self.current = max(1, events // 2)", "self.current = events",
        "delivery/forward/test_too_much.py::test_a_batch_that_is_too_much"),
    "the sink is asked before an event is taken": Safeguard(
        "delivery/base.py", "self.check(event, payload)", "pass", "delivery/test_check.py::test_an_event"),
    "what is in flight is on disk": Safeguard(
        "delivery/disk/in_flight.py", "self._write(events, alone)", "pass",
        "delivery/disk/test_in_flight.py::test_an_event_that_kills"),
    "what processes died of is not sent": Safeguard(
        "delivery/disk/drainer.py", ">= MAX_DEATHS", ">= 10**9",
        "delivery/disk/test_in_flight.py::test_an_event_of_which"),
    "a child begins anew": Safeguard(
        "system/fork.py", "return self._value if self._process is current_process() else None", "return self._value",
        "system/test_perprocess.py::"),
    "Kafka: time-outs of one partition count": Safeguard(
        "sinks/kafka/client.py", "for each in {partition, _ANY_PARTITION}:", "for each in {_ANY_PARTITION}:",
        "sinks/kafka/test_producers.py::test_a_producer_is_replaced"),
    "Kafka: nobody waits for a producer's end": Safeguard(
        "sinks/kafka/client.py", "run_elsewhere(end)", "end()", "sinks/kafka/test_name_server.py::test_neither"),
    "Kafka: the hub of gevent is left free": Safeguard(
        "sinks/kafka/client.py", "outside_gevent(type(self._producer).flush)", "type(self._producer).flush",
        "sinks/kafka/test_library.py::test_waiting"),
    "Kafka: an idle producer is listened to": Safeguard(
        "sinks/kafka/producers.py", "alive.fetch_words()", "pass",
        "sinks/kafka/test_library.py::test_with_no_visitors"),
    "Kafka: librdkafka's words are thinned out": Safeguard(
        "sinks/kafka/library_log.py", "level < logging.WARNING or self._throttle.allows(kind)", "True",
        "sinks/kafka/test_library.py::test_of_each_kind"),
    "Kafka: the size of a message": Safeguard(
        "sinks/kafka/message.py", "if size > max_bytes:", "if False:", "sinks/kafka/test_size.py::test_"),
    "a turn for each transaction": Safeguard(
        "sinks/sqlite/turns.py", "_open_directory(path) if NEEDS_TURNS else None", "None",
        "sinks/test_sqlite_turns.py::test_a_transaction_and"),
    "a child closes the segments that are being read": Safeguard(
        "delivery/disk/segments/sealed.py", "os.close(self._descriptors.pop())", "self._descriptors.pop()",
        "delivery/disk/test_forks.py::test_a_child_does_not_keep"),
    "a look at what was stored": Safeguard(
        "sinks/sqlite/insert.py", "if not changes == inserted == len(rows) and", "if False and",
        "sinks/test_sqlite_tables.py::test_of_a_batch_only"),
    "a look at the row that was stored alone": Safeguard(
        "sinks/sqlite/insert.py", "if connection.total_changes - changes_before == inserted == 1 or", "if True or",
        "sinks/test_sqlite_tables.py::test_an_event_whose_row"),
    "a look at what servers stored": Safeguard(
        "sinks/insertion.py", "if (repeated and counts) or always_look or are_gone:", "if False:",
        "sinks/sql/test_swallowed.py::test_a_row_that_is_swallowed"),
    "a look where there are triggers": Safeguard(
        "sinks/insertion.py", "or always_look or", "or",
        "sinks/sql/test_swallowed.py::test_a_row_that_is_swallowed"),
    "a lost connection is no outage if a new one works": Safeguard(
        "sinks/sql/sink.py", "is_early and is_lost(error, rows)", "False",
        "sinks/sql/test_proxy_packets.py::test_of_visitors"),
    "HTTP: connections are not kept for ever": Safeguard(
        "sinks/http/connection.py", "now - self._used < MAX_IDLE and", "",
        "sinks/http/test_kept.py::test_no_event_is_lost"),
    "the forwarder's words show nothing of an event": Safeguard(
        "delivery/forward/error_words.py", "masked_words(self._messages, map(decode, self._payloads))",
        "self._messages",
        "delivery/forward/test_error_words.py::test_no_line"),
    "a mode whatever the umask is": Safeguard(
        "sinks/local_files.py", "_set_mode(descriptor, mode)", "pass", "sinks/test_local_files.py::test_every_file"),
    "waits leave the hub free": Safeguard(
        "system/threads.py", "if hub is None:", "if True:", "sinks/test_gevent.py::test_a_slow_disk"),
    "a greenlet waits for the end of its call": Safeguard(
        "system/threads.py", "while not task.ready():", "while False:", "system/test_gevent.py::test_a_greenlet"),
    "a lock follows gevent": Safeguard(
        "system/locks.py", "if self._kind is not threading.Lock:", "if False:", "system/test_gevent.py::test_other"),
    "nobody waits for himself": Safeguard("system/groupcommit/lanes.py", " or self._waits_here()", "",
        "sinks/together/test_signals.py::test_who_waits"),
}  # fmt: skip
