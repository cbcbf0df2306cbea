"""``manage.py pixelmw`` is ``python -m pixelmw`` with the settings of the project."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import override_settings

from pixelmw import Event
from pixelmw.contrib.django import ModelSink
from pixelmw.contrib.django.models import PixelEvent
from pixelmw.delivery import Spool
from tests.support.processes import event

events: list[Event] = []


def test_its_help_is_that_of_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        call_command("pixelmw", "--", "--help")
    assert caught.value.code == 0
    assert "serve" in capsys.readouterr().out


def spooled(directory: Path) -> Path:
    """A spool with two events that nobody has forwarded."""

    def nowhere(event: Event) -> None:
        raise OSError("down")

    with Spool(directory, nowhere) as spool:
        spool(event("1"))
        spool(event("2"))
    return directory


def test_drain_has_the_sink_of_the_project(tmp_path: Path) -> None:
    PixelEvent.objects.all().delete()
    spool = spooled(tmp_path / "spool")
    with override_settings(PIXELMW={"SINK": Spool(tmp_path / "spool", ModelSink())}):
        call_command("pixelmw", "drain", str(spool))
    assert sorted(PixelEvent.objects.values_list("pk", flat=True)) == ["1", "2"]
    PixelEvent.objects.all().delete()


def test_drain_may_be_told_another_sink_and_its_exit_code_counts(tmp_path: Path) -> None:
    events.clear()
    call_command("pixelmw", "drain", str(spooled(tmp_path / "spool")), f"--sink={__name__}:sink")
    assert [each["messageId"] for each in events] == ["1", "2"]
    with pytest.raises(SystemExit) as caught:
        call_command("pixelmw", "drain", str(tmp_path / "nowhere"), f"--sink={__name__}:sink")
    assert caught.value.code == 1


def sink(event: Event) -> None:
    events.append(event)
