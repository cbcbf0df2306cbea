"""The kit in somebody's project: a directory with a sink, its test, and pytest as it comes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pixelmw.testing import SinkContract, check_sink
from tests.support.broken_sinks import Store
from tests.support.processes import run

SINK = """
import json

class Lines:
    def __init__(self, path):
        self.path = path

    def __call__(self, event):
        with open(self.path, "a") as file:
            file.write(json.dumps(event) + "\\n")
"""
CONTRACT = """
import json
import pytest
from pixelmw.testing import SinkContract
from sink import Lines

class TestLines(SinkContract):
    @pytest.fixture
    def sink(self, tmp_path):
        return Lines(tmp_path / "events")

    @pytest.fixture
    def read_back(self, tmp_path):
        return lambda: list(map(json.loads, open(tmp_path / "events")))
"""
TEN_LINES = """
import json
from pixelmw.testing import check_sink
from sink import Lines

def test_lines(tmp_path):
    path = tmp_path / "events"
    check_sink(lambda: Lines(path), lambda: [json.loads(line) for line in path.open()])
"""


def pytest_in(directory: Path, *options: str, **files: str) -> tuple[int, str]:
    """Run pytest on *files* in *directory*; returns its exit status and its report."""
    for name, text in files.items():
        (directory / f"{name}.py").write_text(text)
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-W", "error::ResourceWarning", *options]
    done = subprocess.run(command, cwd=directory, env=environ, capture_output=True, text=True, timeout=300, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
def test_a_class_with_two_fixtures_is_the_whole_contract(tmp_path: Path) -> None:
    status, report = pytest_in(tmp_path, "-v", "-rs", sink=SINK, test_sink=CONTRACT)
    assert status == 0, report
    tests = re.findall(r"TestLines::(\w+) (PASSED|SKIPPED)", report)
    assert len(tests) == len([name for name in vars(SinkContract) if name.startswith("test_")])
    assert ("test_every_type_of_event_comes_back_as_it_was", "PASSED") in tests
    assert ("test_a_child_process_stores_as_its_parent_does", "SKIPPED") in tests
    assert "survives_fork=False" in report
    assert "SinkContract::" not in report  # it was imported, and is no test


@pytest.mark.slow
def test_the_base_is_no_test_though_every_class_is_collected(tmp_path: Path) -> None:
    status, report = pytest_in(tmp_path, "-q", "-o", "python_classes=*", sink=SINK, test_sink=CONTRACT)
    assert status == 0, report


@pytest.mark.slow
def test_a_flag_is_an_attribute_and_a_way_to_break_it_a_fixture(tmp_path: Path) -> None:
    more = """
    survives_fork = True
    stores_once = True

    @pytest.fixture
    def break_it(self, tmp_path):
        from contextlib import contextmanager

        @contextmanager
        def away():
            (tmp_path / "events").chmod(0o000)
            (tmp_path / "events").rename(tmp_path / "elsewhere")
            (tmp_path / "events").mkdir()
            yield
            (tmp_path / "events").rmdir()
            (tmp_path / "elsewhere").rename(tmp_path / "events")
            (tmp_path / "events").chmod(0o600)

        return away
"""
    status, report = pytest_in(tmp_path, "-v", sink=SINK, test_sink=CONTRACT + more)
    assert status == 1
    assert re.findall(r"TestLines::(\w+) FAILED", report) == ["test_a_repeated_messageId_is_stored_once"]
    assert "is there 2 times" in report or "is there twice" in report
    assert "test_while_it_is_down_it_raises_and_loses_nothing PASSED" in report
    assert "test_a_child_process_stores_as_its_parent_does PASSED" in report


@pytest.mark.slow
def test_a_sink_and_its_test_are_green_in_ten_lines(tmp_path: Path) -> None:
    assert len(TEN_LINES.strip().splitlines()) <= 10
    status, report = pytest_in(tmp_path, "-q", sink=SINK, test_sink=TEN_LINES)
    assert status == 0, report


@pytest.mark.slow
def test_the_fixtures_are_there_once_they_are_asked_for(tmp_path: Path) -> None:
    asked = 'pytest_plugins = ["pixelmw.testing.fixtures"]'
    test = """
def test_a_pixel(pixel_client, recorder):
    assert pixel_client.get("/pixel/v1/track?anonymousId=a&event=Opened").status_code == 200
    assert recorder.one(event="Opened")["type"] == "track"

def test_another_one(pixel_client, recorder):
    assert recorder.good == []
    assert pixel_client.get("/elsewhere").status_code == 404
"""
    status, report = pytest_in(tmp_path, "-q", test_pixel=test)
    assert status == 1
    assert "fixture 'pixel_client' not found" in report
    status, report = pytest_in(tmp_path, "-q", conftest=asked, test_pixel=test)
    assert status == 0, report


def test_the_kit_loads_no_test_framework() -> None:
    loaded = run("import sys, pixelmw.testing; print(*{name.partition('.')[0] for name in sys.modules})")
    assert "werkzeug" in loaded
    assert not {"pytest", "_pytest", "hypothesis", "flask", "django", "sqlalchemy", "redis"} & set(loaded)


# --- mistakes of whoever writes the test ---


@pytest.mark.parametrize(
    ("arguments", "flags", "words"),
    [
        ((lambda: 5, list), {}, "the sink is 5, which cannot be called"),
        ((lambda: print, 5), {}, "needs two callables"),
        ((lambda: print, lambda: "text"), {}, "read_back returned 'text': let it return a list"),
        ((lambda: print, lambda: ["text"]), {}, "a list with 'text': let it return events, each a dict"),
        ((lambda: print, list), {"stores_twice": True}, "stores_twice"),
        ((lambda: print, list), {"refuses": "large"}, "give the fields of an event"),
        ((lambda: print, list), {"break_it": True}, "a callable that returns a context manager"),
    ],
)
def test_a_wrong_argument_is_an_error_that_names_the_remedy(
    arguments: tuple[object, object], flags: dict[str, object], words: str
) -> None:
    with pytest.raises(TypeError, match=re.escape(words)):
        check_sink(*arguments, **flags)  # type: ignore[arg-type]  # they are wrong


def test_a_type_of_event_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="give some of page, track"):
        check_sink(lambda: print, list, event_types=["purchase"])


@pytest.mark.slow
def test_only_the_types_that_a_sink_takes_are_sent() -> None:
    store = Store()
    check_sink(lambda: store, store.read_back, event_types=["identify"])
    assert {event["type"] for event in store.read_back()} == {"identify"}


@pytest.mark.slow
def test_each_sink_of_a_factory_is_closed_and_one_and_the_same_at_the_end() -> None:
    made: list[Counted] = []

    def make() -> Counted:
        made.append(Counted())
        return made[-1]

    check_sink(make, lambda: made[-1].read_back())
    assert len(made) > 10
    assert all(sink.closed for sink in made)
    same = Counted()
    check_sink(lambda: same, same.read_back)
    assert same.closed > 4  # twice by the point about close, once by with, and some more where it meets visitors


class Counted(Store):
    """Counts how often it is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = 0

    def close(self, timeout: float | None = None) -> None:
        self.closed += 1
