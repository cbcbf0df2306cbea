"""README.rst: its first example prints its output, its set-up is two commands, and its tables are whole."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from readme_renderer import rst

from pixelmw import errors
from pixelmw.contrib.django import ModelSink
from pixelmw.delivery import Background, Spool
from pixelmw.sinks import JSONLines, Log, SQLite, fallback, fan_out
from pixelmw.sinks.http import HTTP
from pixelmw.sinks.kafka import Kafka
from pixelmw.sinks.redis import RedisStream
from pixelmw.sinks.sql import SQL

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.rst").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The code blocks of the README in one language."""
    found = re.findall(rf"\.\. code-block:: {language}\n\n((?:(?: {{4}}.*)?\n)+)", README)
    return [textwrap.dedent(block).strip() for block in found]


def steady(text: str) -> str:
    """*text* without what differs from run to run: times, ids, versions and line breaks."""
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", text)
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "UUID", text)
    return re.sub(r"\s+", " ", re.sub(r"Werkzeug/[\d.]+", "Werkzeug", text)).strip()


def test_the_first_example_prints_what_stands_below_it() -> None:
    run = subprocess.run([sys.executable, "-W", "error", "-c", blocks("python")[0]], text=True, capture_output=True)
    assert run.returncode == 0, run.stderr
    assert steady(run.stdout) == steady(blocks("text")[0])


def test_there_are_exactly_two_set_up_commands_each_of_one_line() -> None:
    commands = blocks("sh")
    assert len(commands) == 2
    assert all("\n" not in command for command in commands)
    assert commands[0].endswith("-m pixelmw serve")
    assert commands[1].endswith("-m pytest -n 4 --dist worksteal")


def test_it_is_read_in_a_few_minutes() -> None:
    assert len(README.splitlines()) <= 150


def test_it_renders_on_pypi_with_its_tables() -> None:
    rendered = rst.render(README)
    assert rendered is not None
    assert rendered.count("<table") == len(re.findall(r"(?<=\n\n)=+ =", README)) == 3


def test_the_pages_that_it_names_are_there() -> None:
    named = re.findall(r"``(docs/[\w/]+\.rst)``", README)
    assert named
    assert not [name for name in named if not (ROOT / name).is_file()]


@pytest.mark.parametrize(
    "sink",
    [SQLite, ModelSink, JSONLines, Log, SQL, Kafka, RedisStream, HTTP, fan_out, fallback, Spool, Background],
    ids=lambda sink: sink.__name__,
)
def test_the_table_of_sinks_has_each_of_them(sink: type) -> None:
    assert re.search(rf"^``{sink.__name__}\(", README, re.MULTILINE)


@pytest.mark.parametrize(("code", "status"), errors.STATUS_OF_CODE.items())
def test_the_table_of_answers_has_every_code_with_its_status(code: str, status: int) -> None:
    assert re.search(rf"``{code}`` +{status} ", README)


def test_the_changes_begin_with_this_version() -> None:
    from pixelmw import __version__

    changes = (ROOT / "CHANGES.rst").read_text(encoding="utf-8")
    first = re.search(r"^(\d\S*)", changes, re.MULTILINE)
    assert first
    assert first[1] == __version__
