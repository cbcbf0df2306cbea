"""Copies of exceptions have the class and the words of the original, whatever it is made of."""

from __future__ import annotations

import errno
import json
from typing import NoReturn

import pytest

from pixelmw.sinks import PartialFailure, Unavailable
from pixelmw.sinks.base import is_down
from pixelmw.system.errors import copy_of


class Wanting(ConnectionError):
    def __init__(self, host: str, *, port: int) -> None:
        super().__init__(f"{host}:{port} is away")


class Odd(ValueError):
    """Its copy has other words."""

    def __init__(self, *words: str) -> None:
        super().__init__("a", *words)


class OfFile(OSError):
    def __init__(self, path: str) -> None:
        super().__init__(errno.ENOSPC, "No space left on device", path)


class OfTwo(Unavailable):
    """Its ``__new__`` wants other arguments, too."""

    def __new__(cls, host: str, port: int) -> OfTwo:
        return super().__new__(cls)

    def __init__(self, host: str, port: int) -> None:
        super().__init__(f"{host}:{port} is away", retry_after=9)


class Numbered(Unavailable):
    """Each of them has other words."""

    def __str__(self) -> str:
        return f"no {id(self)}"


class NumberedFull(OSError):
    def __str__(self) -> str:
        return f"full {id(self)}"


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
        (OfFile("/a/file"), OfFile),
        (OfTwo("a-host", 80), OfTwo),
        (Numbered("away", retry_after=9), Unavailable),
        (NumberedFull(errno.ENOSPC, "No space left on device"), OSError),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_a_copy_has_the_words_of_the_original_and_its_class_or_the_next_base(
    error: Exception, kind: type[Exception]
) -> None:
    twin = copy_of(error)
    assert twin is not error
    assert type(twin) is kind
    assert str(twin) == str(error)
    assert is_down(twin) == is_down(error)
    assert getattr(twin, "retry_after", None) == getattr(error, "retry_after", None)
    assert getattr(twin, "errno", None) == getattr(error, "errno", None)
    assert (twin.__traceback__, twin.__cause__, twin.__context__) == (None, None, None)


def test_an_error_whose_words_cannot_be_had_has_a_copy_nevertheless() -> None:
    twin = copy_of(Speechless())
    assert type(twin) is ValueError
    assert str(twin) == "Speechless, which cannot be shown"
