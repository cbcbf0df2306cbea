"""The sink contract, held by the sinks that need no server, and by sinks made of sinks."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from pixelmw import Event
from pixelmw.sinks import JSONLines, Log, SQLite, fallback, fan_out
from pixelmw.sinks.base import BatchSink
from pixelmw.testing import Failing, Recorder, SinkContract
from tests.support import faults
from tests.support.processes import lines, rows
from tests.support.switch import Switch

ReadBack = Callable[[], list[Event]]
Break = Callable[[], AbstractContextManager[object]]

TIMEOUT = 5.0  # seconds; the tests of faults have shorter ones, and a loaded machine needs longer ones here


def bodies(path: Path) -> list[Event]:
    """The events in a database."""
    return [json.loads(body) for body in rows(path, "SELECT body FROM events ORDER BY rowid")]


class _InFile(SinkContract):
    """A sink with a file, whose directory is taken away, or which may not grow; test_faults.py has more faults."""

    __test__ = False
    name = ""
    fault = staticmethod(faults.missing_directory)

    @pytest.fixture
    def place(self, tmp_path: Path) -> Iterator[faults.Fault]:
        with self.fault(tmp_path, self.name) as place:
            yield place

    @pytest.fixture
    def break_it(self, place: faults.Fault) -> Break:
        return place[1]


class TestSQLite(_InFile):
    name = "events.db"
    stores_once = survives_fork = True

    @pytest.fixture
    def sink(self, place: faults.Fault) -> Iterator[SQLite]:
        with SQLite(place[0], timeout=TIMEOUT) as sink:
            yield sink

    @pytest.fixture
    def read_back(self, place: faults.Fault) -> ReadBack:
        return lambda: bodies(place[0])


class TestJSONLines(_InFile):
    name = "events.jsonl"
    fault = staticmethod(faults.file_size_limit)
    survives_fork = True

    @pytest.fixture
    def sink(self, place: faults.Fault) -> JSONLines:
        return JSONLines(place[0], timeout=TIMEOUT)

    @pytest.fixture
    def read_back(self, place: faults.Fault) -> ReadBack:
        return lambda: lines(place[0])


class TestJSONLinesWithoutSync(TestJSONLines):
    @pytest.fixture
    def sink(self, place: faults.Fault) -> JSONLines:
        return JSONLines(place[0], sync=False, timeout=TIMEOUT)


class TestLog(SinkContract):
    survives_fork = True
    # Before Python 3.13, a handler of logging takes its lock in front of the "try" that gives it back.
    interruptible = False

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "log"

    @pytest.fixture
    def sink(self, path: Path) -> Iterator[Log]:
        logger = logging.getLogger("tests.contract.log")
        logger.propagate = False
        logger.setLevel(logging.INFO)
        handler = logging.FileHandler(path)
        logger.addHandler(handler)
        yield Log(logger)
        logger.removeHandler(handler)
        handler.close()

    @pytest.fixture
    def read_back(self, path: Path) -> ReadBack:
        return lambda: lines(path)

    @pytest.fixture
    def break_it(self, sink: Log) -> Break:
        @contextmanager
        def silent() -> Iterator[None]:
            sink.logger.setLevel(logging.ERROR)
            yield
            sink.logger.setLevel(logging.INFO)

        return silent


def recorded(switch: Switch) -> list[Event]:
    """What the recorder behind a switch has."""
    assert isinstance(switch.sink, Recorder)
    return switch.sink.good


class TestRecorder(SinkContract):
    @pytest.fixture
    def sink(self) -> Recorder:
        return Recorder()

    @pytest.fixture
    def read_back(self, sink: Recorder) -> ReadBack:
        return lambda: sink.good


class TestFailing(SinkContract):
    """In front of a sink, it is one, with what that has."""

    @pytest.fixture
    def sink(self) -> Failing:
        return Failing(Recorder())

    @pytest.fixture
    def read_back(self, sink: Failing) -> ReadBack:
        return lambda: sink.sink.good  # type: ignore[attr-defined]  # a Recorder


class TestList(SinkContract):
    @pytest.fixture
    def events(self) -> list[Event]:
        return []

    @pytest.fixture
    def sink(self, events: list[Event]) -> Callable[[Event], None]:
        return events.append

    @pytest.fixture
    def read_back(self, events: list[Event]) -> ReadBack:
        return lambda: events


class TestFanOut(SinkContract):
    """All of them break at once: of what one of two stores, a second copy may come, but nothing else."""

    @pytest.fixture
    def members(self) -> tuple[Switch, Switch]:
        return Switch(Recorder()), Switch(Recorder())

    @pytest.fixture
    def sink(self, members: tuple[Switch, Switch]) -> BatchSink:
        return fan_out(*members, Recorder())

    @pytest.fixture
    def read_back(self, members: tuple[Switch, Switch]) -> ReadBack:
        return lambda: recorded(members[1])

    @pytest.fixture
    def break_it(self, members: tuple[Switch, Switch]) -> Break:
        @contextmanager
        def off() -> Iterator[None]:
            with members[0].off(), members[1].off():
                yield

        return off


class TestFanOutToFiles(SinkContract):
    survives_fork = stores_once = True

    @pytest.fixture
    def sink(self, tmp_path: Path) -> Iterator[BatchSink]:
        with fan_out(JSONLines(tmp_path / "a.jsonl", sync=False), SQLite(tmp_path / "b.db", timeout=TIMEOUT)) as sink:
            yield sink

    @pytest.fixture
    def read_back(self, tmp_path: Path) -> ReadBack:
        return lambda: bodies(tmp_path / "b.db")


class TestFallback(SinkContract):
    """The first one is away for the whole of the test, and both are while it is broken."""

    interruptible = False  # it logs, see TestLog

    @pytest.fixture
    def second(self) -> Switch:
        return Switch(Recorder())

    @pytest.fixture
    def sink(self, second: Switch) -> BatchSink:
        first = Switch(Recorder())
        first.is_off = True
        return fallback(first, second)

    @pytest.fixture
    def read_back(self, second: Switch) -> ReadBack:
        return lambda: recorded(second)

    @pytest.fixture
    def break_it(self, second: Switch) -> Break:
        return second.off


class TestFallbackUntouched(TestFallback):
    """The first one takes everything."""

    interruptible = True

    @pytest.fixture
    def sink(self, second: Switch) -> BatchSink:
        return fallback(second, Recorder())

    @pytest.fixture
    def break_it(self) -> None:
        """Nothing breaks both of them here."""
