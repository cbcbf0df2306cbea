"""The rules of the house that a machine can hold."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest

from tests.support.public_names import IMPORT_PATHS

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "pixelmw"
FILES = sorted(path.relative_to(ROOT).as_posix() for folder in ("pixelmw", "tests", "examples", "benchmarks")
               for path in (ROOT / folder).rglob("*.py"))  # fmt: skip

# Who may know whom. Each room, which is a folder or a file of the package, stands below those that it may import
# from; "sinks.base" is one module of a room. Rooms to come stand here already.
GROUND = {"errors", "system", "text"}
PIPELINE = {"events", "request", "request_log", "params", "access", "schema", "enrich"}
SHELLS = {"middleware", "asgi"}
# Nobody below knows these, and they know anybody.
DOORS = {"contrib", "testing", "cli"}
INSIDE = {
    *GROUND,
    *PIPELINE,
    "collector",
    "replies",
    "endpoint",
    *SHELLS,
    "links",
    "sinks",
    "delivery",
    "live",
    "_version",
}
MAY_KNOW = {
    "_version": set(),
    "text": set(),
    "errors": {"text"},
    "system": {"text"},
    "events": GROUND,
    "request": GROUND,
    "request_log": {"errors", "text"},
    "params": GROUND,
    "access": {*GROUND, "params"},
    "schema": {*GROUND, "params", "events"},
    "enrich": {*GROUND, "request"},
    "reporter": {*GROUND, "access", "events", "request_log"},
    "collector": {*GROUND, *PIPELINE, "reporter"},
    "replies": {"errors", "request", "text"},
    "endpoint": {*GROUND, "events", "collector", "replies"},
    "middleware": {*GROUND, "events", "collector", "endpoint", "replies"},
    "asgi": {*GROUND, "events", "collector", "endpoint", "replies", "sinks.base", "sinks.encoding", "sinks.together"},
    "links": {*GROUND, "params", "access", "events"},
    "sinks": {"system", "events", "_version"},
    "delivery": {*GROUND, "events", "sinks.base", "sinks.encoding", "sinks.together"},
    "live": GROUND,
    **{door: {*INSIDE, "pixelmw"} for door in DOORS},
    "contrib": {*INSIDE, "pixelmw", "cli"},  # "manage.py pixelmw" and "flask pixelmw" are the command line
    "pixelmw": {"_version", "errors", "events", "params", "schema", "collector", "middleware"},
    "__main__": {"cli"},
}
# These have no clock, no log and no globals. Not "time", which events needs to format what it is given.
PURE = {"text", "errors", "events", "params", "access", "schema"}
IMPURE_IMPORTS = {"logging", "os", "socket", "threading", "random", "uuid"}
OPTIONAL = {"asgiref", "django", "flask", "itsdangerous", "sqlalchemy", "redis", "urllib3", "confluent_kafka"}
OPTIONAL |= {"prometheus_client"}


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def imports_of(path: Path) -> frozenset[str]:
    """The full names of the modules that a file imports; those it needs for its types only are left out."""
    return frozenset(_imports_of(path))


def _imports_of(path: Path) -> Iterator[str]:
    within = path.relative_to(ROOT).with_suffix("").parts[:-1]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and isinstance(block.test, ast.Name) and block.test.id == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = within[: len(within) - node.level + 1] if node.level else ()
            base = ".".join((*package, *filter(None, [node.module])))
            modules = {f"{base}.{alias.name}" for alias in node.names} & MODULES.keys()
            yield from modules or [base]


def room_of(module: str) -> str:
    """The room that a module is in: ``pixelmw.sinks.redis`` is in ``sinks``."""
    return module.removeprefix("pixelmw.").partition(".")[0]


def may_know(own: str, module: str) -> bool:
    """Whether the module *own* may import *module*."""
    room, name = room_of(own), module.removeprefix("pixelmw.")
    if module == "pixelmw":
        return "pixelmw" in MAY_KNOW[room]
    return any(name == known or name.startswith(f"{known}.") for known in {room, *MAY_KNOW[room]})


def test_each_room_stands_in_the_table() -> None:
    assert {room_of(module) for module in MODULES} <= MAY_KNOW.keys()
    assert {known.partition(".")[0] for knowing in MAY_KNOW.values() for known in knowing} <= MAY_KNOW.keys()


def test_the_table_goes_one_way() -> None:
    rooms = {room: {known.partition(".")[0] for known in knowing} for room, knowing in MAY_KNOW.items()}
    TopologicalSorter(rooms).prepare()


def test_a_room_knows_only_those_below_it() -> None:
    imports = ((own, name) for own, path in MODULES.items() for name in imports_of(path))
    ours = sorted((own, name) for own, name in imports if name.partition(".")[0] == "pixelmw")
    assert not [(own, name) for own, name in ours if not may_know(own, name)], "these may not import those"


def test_no_module_needs_itself() -> None:
    needs = {own: MODULES.keys() & imports_of(path) for own, path in MODULES.items()}
    TopologicalSorter(needs).prepare()


def test_the_import_rules_can_see() -> None:
    assert "pixelmw.errors" in imports_of(PACKAGE / "params" / "parse.py")
    assert "pixelmw.sinks.together" in imports_of(PACKAGE / "sinks" / "sqlite" / "sink.py")
    assert "pixelmw.sinks.sql.sink" in imports_of(PACKAGE / "sinks" / "sql" / "__init__.py")
    assert "pixelmw.cli.main" in imports_of(PACKAGE / "__main__.py")
    assert may_know("pixelmw.delivery.spool", "pixelmw.sinks.base")
    assert not may_know("pixelmw.delivery.spool", "pixelmw.sinks.sqlite")
    assert not may_know("pixelmw.delivery.spool", "pixelmw.sinks")
    assert not may_know("pixelmw.params.parse", "pixelmw.access")
    assert not may_know("pixelmw.replies", "pixelmw")
    assert may_know("pixelmw", "pixelmw.collector")


@pytest.mark.parametrize("path", IMPORT_PATHS)
def test_what_users_import_is_there(path: str) -> None:
    module = import_module(path)
    assert not [name for name in IMPORT_PATHS[path].split() if not hasattr(module, name)]


@pytest.mark.parametrize("own", [module for module in MODULES if room_of(module) in PURE])
def test_the_core_is_pure(own: str) -> None:
    assert not IMPURE_IMPORTS & {module.partition(".")[0] for module in imports_of(MODULES[own])}
    # A datetime may be written down, but nobody may ask it for the time.
    nodes = ast.walk(ast.parse(MODULES[own].read_text()))
    attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    assert not {"now", "today", "utcnow"} & attributes


def test_only_these_modules_know_jsonschema_and_what_it_stands_on() -> None:
    users: dict[str, set[str]] = {"jsonschema": set(), "referencing": set(), "jsonschema_specifications": set()}
    for own, path in MODULES.items():
        for name in users.keys() & {module.partition(".")[0] for module in imports_of(path)}:
            users[name].add(own.removeprefix("pixelmw.schema."))
    assert users == {
        "jsonschema": {"load"},
        "referencing": {"load", "located"},
        "jsonschema_specifications": {"registry"},
    }


def test_the_package_imports_nothing_optional() -> None:
    code = "import sys, pixelmw.__main__; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = set(subprocess.run([sys.executable, "-c", code], text=True, capture_output=True).stdout.split())
    assert {"werkzeug", "jsonschema"} <= loaded
    assert not {"flask", "django", "gunicorn", "gevent", "requests"} & loaded
    assert not OPTIONAL & loaded


def test_each_client_library_is_imported_by_one_room() -> None:
    """Such a room is a folder or a file of a room above it: ``pixelmw.sinks.kafka``, ``pixelmw.sinks.redis``."""
    owners: dict[str, set[str]] = {}
    for own, path in MODULES.items():
        for name in {module.partition(".")[0] for module in imports_of(path)} & OPTIONAL:
            owners.setdefault(name, set()).add(".".join(own.split(".")[:3]))
    assert {name: len(rooms) for name, rooms in owners.items()} == dict.fromkeys(OPTIONAL, 1), owners


ASSETS = sorted(path.relative_to(ROOT).as_posix() for path in PACKAGE.rglob("assets/*.*"))


def test_a_file_past_250_lines_is_two_files() -> None:
    lengths = {file: len((ROOT / file).read_text(encoding="utf-8").splitlines()) for file in FILES + ASSETS}
    assert not {file: length for file, length in lengths.items() if length > 250}


def test_one_sentence_says_what_a_module_is_for() -> None:
    docstrings = {file: ast.get_docstring(ast.parse((ROOT / file).read_text(encoding="utf-8"))) for file in FILES}
    first = {file: (text or "").partition("\n\n")[0].replace("\n", " ") for file, text in docstrings.items()}
    assert not {file: said for file, said in first.items() if not re.match(r"[A-Z`].*[.:]$", said)}


def test_every_public_name_has_a_docstring() -> None:
    for path in MODULES.values():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
                assert ast.get_docstring(node), f"{path.name}: {node.name}"
