"""Mistakes in what Spool is given are told at construction, by name and with the remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pixelmw.delivery import Spool
from pixelmw.delivery.dead import DeadLetters


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


def test_they_show_where_they_store(tmp_path: Path) -> None:
    assert repr(Spool(tmp_path / "spool", print)) == f"Spool({str(tmp_path / 'spool')!r}, {print!r})"
    assert repr(DeadLetters(tmp_path / "dead")) == f"DeadLetters({str(tmp_path / 'dead')!r})"
