"""The rules of the house for its tests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
# This one names what it forbids.
FILES = sorted(path.relative_to(TESTS).as_posix() for path in TESTS.rglob("*.py") if path != Path(__file__))

# A private attribute of another object than self, one that is named in a string, or an import of a private name.
# Some names are public whatever they look like: os._exit, and those that every namedtuple has.
REACH = re.compile(
    r"""(?<!\bself)(?<!\bcls)\._(?!(?:exit|replace|asdict|fields)\b)[a-z]\w*
    | \b(?:get|set|del|has)attr\([^()]*,\s*["']_[a-z]\w*
    | \bimport\ (?:\([^)]*|.*)(?<![\w.])_[a-z]\w*""",
    re.IGNORECASE | re.VERBOSE,
)


def found_in_files(rule: re.Pattern[str]) -> dict[str, list[str]]:
    """What breaks *rule* in each file that breaks it."""
    texts = {file: (TESTS / file).read_text(encoding="utf-8") for file in FILES}
    found = {file: [broken[0] for broken in rule.finditer(text)] for file, text in texts.items()}
    return {file: broken for file, broken in found.items() if broken}


def test_no_test_imports_from_another_test() -> None:
    """Also not in a script within a string; what tests share is in tests/support."""
    assert not found_in_files(re.compile(r"(from|import) tests\.(?!support|safeguards)\w"))


def test_a_test_uses_public_names() -> None:
    """Also in a script within a string. Where a test needs to see inside, the code offers a name for that."""
    assert not found_in_files(REACH)


@pytest.mark.parametrize(
    ("code", "reaches"),
    [
        ("group._batch.items", True),
        ("self.group._batch", True),
        ("make()._batch or made[0]._batch", True),
        ('run("with group._mutex: pass")', True),
        ('monkeypatch.setattr(fork, "_locks", [])', True),
        ('monkeypatch.setattr("pixelmw.system.fork._locks", [])', True),
        ('getattr(group, "_batch")', True),
        ("from pixelmw.system.fork import PerProcess, _locks", True),
        ("from pixelmw.system.fork import (\n    PerProcess,\n    _locks,\n)", True),
        ("from pixelmw._version import __version__", True),
        ("os._wrap_close", True),
        ("self._batch + cls._batch", False),
        ("os._exit(0)", False),
        ("record._replace(size=1)", False),
        ("group.__call__.__code__", False),
        ("from pixelmw.__main__ import main", False),
        ("from _typeshed.wsgi import StartResponse", False),
    ],
)
def test_the_rule_of_public_names_can_see(code: str, reaches: bool) -> None:
    assert bool(REACH.search(code)) == reaches
