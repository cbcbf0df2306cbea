"""Whatever has a name that users or operators meet is on the page where they would look for it."""

from __future__ import annotations

import ast
import logging
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from pixelmw import Collector, Limits, PixelMiddleware
from pixelmw.cli.main import main
from pixelmw.delivery import BackgroundStats, SpoolStats
from pixelmw.delivery.metrics import Metrics
from pixelmw.errors import STATUS_OF_CODE
from pixelmw.events import EVENT_TYPES
from pixelmw.replies import REPLIES
from tests.support.public_names import IMPORT_PATHS, documented_names, look_up

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}


def text_of(page: str) -> str:
    return (REFERENCE / f"{page}.rst").read_text(encoding="utf-8")


def literals_of(text: str) -> set[str]:
    """What stands there between double backquotes."""
    return set(re.findall(r"``(.+?)``", text))


# --- public names ---


@pytest.mark.parametrize("module", IMPORT_PATHS)
def test_every_public_name_has_a_page(module: str) -> None:
    documented = [look_up(name) for name in documented_names()]
    names = IMPORT_PATHS[module].split()
    assert not [
        name for name in names if not any(getattr(import_module(module), name) is found for found in documented)
    ]


@pytest.mark.parametrize("module", IMPORT_PATHS)
def test_the_list_of_public_names_has_each_of_them(module: str) -> None:
    assert set(IMPORT_PATHS[module].split()) <= {
        *literals_of(text_of("api/index")),
        *(name.rpartition(".")[2] for name in documented_names()),
    }


# --- arguments, answers, event types ---


def test_every_argument_of_the_middleware_is_explained() -> None:
    arguments = set(PixelMiddleware.__init__.__annotations__) - {"return"}
    assert {f"``{argument}``" for argument in arguments} <= set(text_of("arguments").splitlines())


def test_every_limit_is_explained_with_its_default() -> None:
    assert repr(Limits()) in literals_of(text_of("arguments"))
    assert set(Limits.__annotations__) <= literals_of(text_of("arguments"))


def test_every_event_type_is_named() -> None:
    assert set(EVENT_TYPES) <= literals_of(text_of("arguments"))


@pytest.mark.parametrize(("code", "status"), STATUS_OF_CODE.items())
def test_every_code_is_there_with_its_status(code: str, status: int) -> None:
    assert re.search(rf"``{code}`` +{status} ", text_of("answers"))


@pytest.mark.parametrize("reply", REPLIES)
def test_every_reply_is_explained(reply: str) -> None:
    assert re.search(rf'^``"{reply}"``', text_of("answers"), re.MULTILINE)


# --- the command line ---


def help_of(*command: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit):
        main([*command, "--help"])
    return capsys.readouterr().out


def commands(capsys: pytest.CaptureFixture[str]) -> list[str]:
    found = re.search(r"\{([\w,-]+)\}", help_of(capsys=capsys))
    assert found
    return found[1].split(",")


def test_every_command_has_a_section_with_its_options(capsys: pytest.CaptureFixture[str]) -> None:
    sections = dict(re.findall(r"^``(\w+)``\n-+\n(.*?)(?=^\S[^\n]*\n-+\n|\Z)", text_of("command_line"), re.M | re.S))
    assert list(sections) == commands(capsys)
    for command, section in sections.items():
        options = set(re.findall(r"--[a-z][a-z-]*", help_of(command, capsys=capsys))) - {"--help"}
        explained = {literal.partition(" ")[0] for literal in literals_of(section)}
        assert options <= explained, command
        assert {name for name in explained if name.startswith("--")} <= options, f"{command} has no such option"


def test_the_commands_in_the_pages_have_the_options_that_they_are_given(capsys: pytest.CaptureFixture[str]) -> None:
    pages = [ROOT / "README.rst", *ROOT.glob("docs/**/*.rst")]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    shown = re.findall(r"python -m pixelmw ([a-z]+)([^`\n]*)", text)
    assert {command for command, _ in shown} <= {*commands(capsys)}
    for command, rest in shown:
        known = help_of(command, capsys=capsys)
        assert not [option for option in re.findall(r"--[a-z-]+", rest) if option not in known]


# --- figures ---


@pytest.mark.parametrize("stats", [SpoolStats, BackgroundStats])
def test_every_figure_of_a_delivery_is_explained(stats: type[Any]) -> None:
    table = text_of("delivery").partition("What ``stats()`` counts")[2]
    for key in get_type_hints(stats):
        assert re.search(rf"^``{key}`` ", table, re.MULTILINE), key


def test_every_outcome_of_a_request_is_explained() -> None:
    assert {"accepted", "discarded", "unavailable"} <= literals_of(text_of("metrics"))
    assert {"accepted", "discarded"} <= literals_of(text_of("delivery"))


def test_every_metric_is_explained() -> None:
    class Everything:
        """It knows no figures, and each metric is described nevertheless."""

        def stats(self) -> dict[str, float]:
            return {}

    for family in Metrics(Collector(print), spool=Everything()).describe():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        assert re.search(rf"^``{name}[`{{]", text_of("metrics"), re.MULTILINE), name


# --- log lines ---


def log_calls() -> Iterator[tuple[str, ast.expr]]:
    """The module and the words of each call that logs something, directly or by way of what throttles it."""
    for path in sorted((ROOT / "pixelmw").rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name("logger"), attr=attr), args=[words, *_]) if (
                    attr in LEVELS
                ):
                    yield module, words
                case ast.Call(func=ast.Attribute(attr="_log_rarely" | "log_failure"), args=[words, *_]):
                    yield module, words
                case ast.Call(
                    func=ast.Attribute(value=ast.Attribute(attr="_failures"), attr="log"),
                    args=[ast.Constant() as words, *_],
                ):
                    yield module, words


def log_lines() -> set[tuple[str, str]]:
    """The name of the logger and the template of each line that the package may log."""
    lines = set()
    for module, words in log_calls():
        match words:
            case ast.Constant(str(template)):
                lines.add((logger_of(module), template))
            case ast.JoinedStr(parts):
                template = "".join(str(part.value) if isinstance(part, ast.Constant) else "%s" for part in parts)
                lines.add((logger_of(module), template))
    return lines


def logger_of(module: str) -> str:
    """The name of the logger of a module; a shell logs by its collector."""
    logger: logging.Logger = getattr(import_module(module), "logger", logging.getLogger("pixelmw.requests"))
    return logger.name


def test_the_log_lines_are_found() -> None:
    found = log_lines()
    assert ("pixelmw.requests", "a %s event was not stored") in found
    assert ("pixelmw.delivery", "forwarding from %r failed; it will be tried again") in found
    assert {name for name, _ in found} == {"pixelmw.requests", "pixelmw.delivery", "pixelmw.sinks"}
    elsewhere = {(module, ast.unparse(words)) for module, words in log_calls() if isinstance(words, ast.Name)}
    assert elsewhere == set(), "their words are elsewhere"


def test_every_log_line_is_on_the_page_under_its_logger_with_what_to_do_about_it() -> None:
    missing = []
    for logger, template in log_lines():
        section = re.search(rf"^``{logger}``\n-+\n(.*?)(?=^``pixelmw\.\w+``\n-|\Z)", text_of("logs"), re.M | re.S)
        assert section
        line = ".*".join(map(re.escape, re.split(r"%[srd]", template)))
        terms = re.findall(r"^``(.+)``\n    \S", section[1], re.MULTILINE)
        if not [term for term in terms if re.search(line, term)]:
            missing.append((logger, template))
    assert missing == []
