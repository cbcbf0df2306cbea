"""The examples in the docstrings of the kit run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import flask
import pytest

import pixelmw.testing
from pixelmw import Event
from pixelmw.delivery import Background
from pixelmw.sinks import JSONLines, Undeliverable
from pixelmw.testing import SinkContract
from tests.support.processes import lines
from tests.support.public_names import example_of


def run_example(name: str) -> dict[str, Any]:
    """Run the example of a name of the kit; returns all names that there are then."""
    names: dict[str, Any] = {each: getattr(pixelmw.testing, each) for each in pixelmw.testing.__all__}
    events: list[Event] = []
    names |= {"MySink": JSONLines, "my_events": lines, "events": events, "app": flask.Flask("shop"), "pytest": pytest}
    names |= {"Background": Background, "Undeliverable": Undeliverable}
    code = example_of(getattr(pixelmw.testing, name))
    assert code
    exec(compile(code, name, "exec"), names)
    return names


@pytest.mark.slow
def test_the_example_of_check_sink_is_green(tmp_path: Path) -> None:
    run_example("check_sink")["test_my_sink"](tmp_path)


def test_the_example_of_the_contract_is_a_class_of_tests() -> None:
    example = run_example("SinkContract")["TestMySink"]
    assert issubclass(example, SinkContract)
    assert example.__test__
    assert example.survives_fork


def test_the_example_of_the_recorder_finds_its_event() -> None:
    recorder = run_example("Recorder")["recorder"]
    assert [event["properties"] for event in recorder.good] == [{"plan": "pro"}]


def test_the_example_of_failing_fails_twice_and_hands_on_the_rest() -> None:
    names = run_example("Failing")
    with names["sink"] as sink:
        for number in range(1, 4):
            sink(names["sample_event"](messageId=str(number)))
            assert sink.flush(20.0)
    assert [event["messageId"] for event in names["events"]] == ["2"]


@pytest.mark.parametrize("name", ["collect", "sample_event"])
def test_the_examples_of_what_returns_an_event_run(name: str) -> None:
    run_example(name)
