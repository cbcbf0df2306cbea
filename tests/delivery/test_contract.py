"""The sink contract, held by the wrappers that forward in the background, as their sink's events show."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from pixelmw import Event
from pixelmw.delivery import Background, Retry, Spool
from pixelmw.sinks import JSONLines
from pixelmw.sinks.base import BatchSink
from pixelmw.testing import SinkContract
from tests.support.processes import lines
from tests.support.switch import Switch

SOON = Retry(first=0.01, cap=0.05)


class _Forwarding(SinkContract):
    """The events arrive in a file, which processes can share."""

    __test__ = False
    survives_fork = True

    @pytest.fixture
    def switch(self, tmp_path: Path) -> Switch:
        return Switch(JSONLines(tmp_path / "arrived.jsonl", sync=False, timeout=20.0))

    @pytest.fixture
    def read_back(self, tmp_path: Path) -> Callable[[], list[Event]]:
        return lambda: lines(tmp_path / "arrived.jsonl")

    @pytest.fixture
    def break_it(self, switch: Switch) -> Callable[[], AbstractContextManager[object]]:
        return switch.off


class TestBackground(_Forwarding):
    @pytest.fixture
    def sink(self, switch: Switch) -> Iterator[BatchSink]:
        with Background(switch, max_delay=0.01, retry=SOON) as sink:
            yield sink


class TestSpool(_Forwarding):
    @pytest.fixture
    def sink(self, switch: Switch, tmp_path: Path) -> Iterator[BatchSink]:
        with Spool(tmp_path / "spool", switch, retry=SOON) as sink:
            yield sink
