"""Mistakes in what Spool and Background are given are told at construction, by name and with the remedy."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pixelmw.delivery import Background, Spool
from pixelmw.delivery.disk.dead_letter_store import DeadLetterStore


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"sync": "sometimes"}, ValueError, "sync is 'sometimes'"),
        ({"max_bytes": 0}, ValueError, "max_bytes is 0"),
        ({"when_full": "wait"}, ValueError, "when_full is 'wait'"),
        ({"retry": 5}, TypeError, "retry is 5"),
        ({"dead_letter": "log"}, TypeError, "dead_letter is 'log'"),
        ({"sink": None}, TypeError, "sink is None"),
    ],
)
def test_a_mistake_is_told(tmp_path: Path, options: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        Spool(tmp_path / "spool", **{"sink": print, **options})
    assert not (tmp_path / "spool").exists()


@pytest.mark.parametrize("options", [{"max_queue": 0}, {"max_batch": 0}, {"max_delay": -1}])
def test_a_queue_that_cannot_work_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be at least 1, and max_delay not below 0"):
        Background(print, **options)


def test_where_the_server_runs_no_threads_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uwsgi", SimpleNamespace(has_threads=False))
    with pytest.raises(RuntimeError, match="--enable-threads, or use Spool"):
        Background(print)


def test_they_show_where_they_store(tmp_path: Path) -> None:
    assert repr(Spool(tmp_path / "spool", print)) == f"Spool({str(tmp_path / 'spool')!r}, {print!r})"
    assert repr(DeadLetterStore(tmp_path / "dead")) == f"DeadLetterStore({str(tmp_path / 'dead')!r})"
