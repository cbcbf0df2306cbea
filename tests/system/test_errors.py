"""Copies of exceptions have the class and the words of the original, whatever it is made of."""

from __future__ import annotations

import errno
import json
from typing import NoReturn

import pytest

from pixelmw.sinks import PartialFailure, Unavailable
from pixelmw.system.errors import copy_of


class Wanting(ConnectionError):
    def __init__(self, host: str, *, port: int) -> None:
        super().__init__(f"{host}:{port} is away")


class Odd(ValueError):
    """Its copy has other words."""

    def __init__(self, *words: str) -> None:
        super().__init__("a", *words)


class Speechless(ValueError):
    def __str__(self) -> NoReturn:
        raise RuntimeError("no words")


def not_json() -> Exception:
    with pytest.raises(json.JSONDecodeError) as caught:
        json.loads("{")
    return caught.value


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ValueError("what?"), ValueError),
        (OSError(errno.ENOSPC, "No space left on device", "/a/file"), OSError),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid"), UnicodeDecodeError),
        (not_json(), json.JSONDecodeError),
        (Unavailable("away", retry_after=3), Unavailable),
        (PartialFailure({1: ValueError("what?")}), PartialFailure),
        (ExceptionGroup("several", [ValueError("what?")]), ExceptionGroup),
        (Wanting("a-host", port=80), Wanting),
        (Odd("b"), Odd),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_a_copy_has_the_class_and_the_words_of_the_original(error: Exception, kind: type[Exception]) -> None:
    twin = copy_of(error)
    assert twin is not error
    assert type(twin) is kind
    assert str(twin) == str(error)
    assert (twin.__traceback__, twin.__cause__, twin.__context__) == (None, None, None)


def test_an_error_whose_words_cannot_be_had_has_a_copy_nevertheless() -> None:
    assert str(copy_of(Speechless())) == "Speechless, which cannot be shown"
