"""``serve --json --expect N --timeout S`` tells a CI job whether the events came, and which."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tests.support.command_line import TIMEOUT, fetch, run, run_here, serving

TRACK = "/pixel/v1/track?writeKey=s3cret-key&anonymousId=a&event="


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """How the command ended by itself, with what it printed."""
    output, errors = process.communicate(timeout=TIMEOUT)
    return process.returncode, output, errors


def test_it_ends_with_0_once_the_expected_events_came(tmp_path: Path) -> None:
    with serving(tmp_path, "--json", "--expect", "3") as (process, address):
        for name in ("one", "two", "caf%C3%A9"):
            assert fetch(address + TRACK + name)[0] == 200
        code, output, errors = ended(process)
    assert code == 0
    assert [json.loads(line)["event"] for line in output.splitlines()] == ["one", "two", "café"]
    assert errors.splitlines() == ["stopped", "3 of 3 expected events came, and 0 went wrong"]


def test_it_ends_with_1_once_one_is_refused_and_says_why(tmp_path: Path) -> None:
    with serving(tmp_path, "--json", "--expect", "3") as (process, address):
        assert fetch(f"{address}{TRACK}one")[0] == 200
        assert fetch(f"{address}{TRACK}&x=s3cret")[0] == 400
        code, output, errors = ended(process)
    assert code == 1
    assert len(output.splitlines()) == 1
    refusal, *rest = errors.splitlines()
    assert json.loads(refusal) == {
        "code": "invalid",
        "status": 400,
        "type": "track",
        "parameter": "event",
        "rule": "pattern",
        "message": "event must not be blank",
        "query": "writeKey=***&anonymousId=a&event=&x=s3cret",
    }
    assert rest == ["stopped", "1 of 3 expected events came, and 1 went wrong"]


def test_an_event_that_could_not_be_stored_went_wrong(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(
        "from pixelmw import PixelMiddleware\n"
        "def page(environ, start_response):\n    start_response('200 OK', [])\n    return [b'']\n"
        "app = PixelMiddleware(page, lambda event: 1 / 0)\n"
    )
    with serving(tmp_path, "--app=broken", "--expect=1") as (process, address):
        assert fetch(f"{address}{TRACK}one")[0] == 503
        code, output, errors = ended(process)
    assert code == 1
    assert "failed   track was not stored: see the log above" in output
    assert "ZeroDivisionError" in errors


def test_an_event_that_an_enricher_discards_is_neither_good_nor_bad(tmp_path: Path) -> None:
    (tmp_path / "choosy.py").write_text(
        "from pixelmw import Discard, PixelMiddleware\n"
        "def page(environ, start_response):\n    start_response('200 OK', [])\n    return [b'']\n"
        "def choose(event, request):\n    if event['event'] == 'no':\n        raise Discard\n"
        "app = PixelMiddleware(page, [].append, enrich=[choose])\n"
    )
    with serving(tmp_path, "--app=choosy", "--expect=1") as (process, address):
        assert fetch(f"{address}{TRACK}no")[0] == 200
        assert "was discarded" in fetch(f"{address}{TRACK}no", Sec_Fetch_Dest="document")[1]
        assert fetch(f"{address}{TRACK}yes")[0] == 200
        code, output, _ = ended(process)
    assert code == 0
    assert output.count("dropped  by an enricher, on purpose") == 2


@pytest.mark.parametrize(("options", "code"), [(["--expect=1"], 1), ([], 0)], ids=["expected", "nothing expected"])
def test_the_time_is_bounded(tmp_path: Path, options: list[str], code: int) -> None:
    started = time.monotonic()
    said = run(tmp_path, "serve", "--port=0", "--timeout=0.3", *options)
    assert said.code == code
    assert 0.3 < time.monotonic() - started < TIMEOUT


def test_what_is_interrupted_before_the_events_came_ends_with_1(tmp_path: Path) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        with serving(tmp_path, "--expect", "2") as (process, address):
            assert fetch(f"{address}{TRACK}one")[0] == 200
            process.send_signal(number)
            code, output, _ = ended(process)
        assert code == 1
        assert "1 of 2 expected events came" in output


def test_head_and_options_and_other_paths_count_for_nothing(tmp_path: Path) -> None:
    with serving(tmp_path, "--json", "--expect", "1") as (process, address):
        assert fetch(f"{address}/favicon.ico")[0] == 404
        assert fetch(f"{address}/_pixelmw/all")[0] == 200
        assert fetch(f"{address}{TRACK}one")[0] == 200
        code, output, _ = ended(process)
    assert (code, len(output.splitlines())) == (0, 1)


def test_every_answer_under_way_is_sent_before_it_ends(tmp_path: Path) -> None:
    """The last of several at the same time decides; none of the visitors is left without an answer."""
    answers: list[int] = []

    def visit(url: str) -> None:
        answers.append(fetch(url)[0])

    with serving(tmp_path, "--json", "--expect", "8") as (process, address):
        visitors = [threading.Thread(target=visit, args=[f"{address}{TRACK}e{number}"]) for number in range(8)]
        for visitor in visitors:
            visitor.start()
        for visitor in visitors:
            visitor.join(TIMEOUT)
        code, output, _ = ended(process)
    assert (code, answers) == (0, [200] * 8)
    assert sorted(json.loads(line)["event"] for line in output.splitlines()) == [f"e{number}" for number in range(8)]


@pytest.mark.parametrize(
    "option", ["--expect=0", "--expect=-1", "--expect=x", "--timeout=0", "--timeout=nan", "--timeout=x"]
)
def test_a_number_that_makes_no_sense_is_told(capsys: pytest.CaptureFixture[str], option: str) -> None:
    said = run_here(capsys, "serve", option)
    assert (said.code, said.out) == (2, "")
    assert option.partition("=")[2] in said.err
