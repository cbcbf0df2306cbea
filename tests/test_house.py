"""The rules of the house that a machine can hold."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "pixelmw"
FILES = sorted(path.relative_to(ROOT).as_posix() for folder in ("pixelmw", "tests", "examples", "benchmarks")
               for path in (ROOT / folder).rglob("*.py"))  # fmt: skip

# A module may import what stands above it, and what is named with it where it says so.
LAYERS = [
    {"errors", "files", "forksafe", "ids", "patterns", "decoding", "keywords", "shapes"},
    {"params", "events", "loading", "request", "groupcommit"},
    {"coercion", "proof"},
    {"schema", "keys", "replies", "enrich"},
    {"collector"},
    {"middleware"},
    {""},
    {"sinks"},
    {"delivery"},
    {"welcome", "drain"},
    {"__main__"},
]
PURE = {"errors", "decoding", "shapes", "params", "events", "coercion", "keywords", "proof", "schema", "keys"}
OPTIONAL = {"sqlalchemy", "redis", "urllib3", "confluent_kafka", "prometheus_client"}
IMPURE_IMPORTS = {"logging", "os", "socket", "threading", "random", "uuid", "datetime"}


def imports_of(path):
    """The full names of the modules that a file imports; those it needs for its types only are left out."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
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
            base = package[: len(package) - node.level + 1] if node.level else ()
            yield ".".join((*base, *filter(None, [node.module])))


def layer_of(module):
    """The layer that a module of the package stands in, ``pixelmw.sinks.sqlite`` in that of ``sinks``."""
    name = module.removeprefix("pixelmw").lstrip(".").partition(".")[0]
    return next(number for number, names in enumerate(LAYERS) if name in names)


def module_of(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=module_of)
def test_imports_point_one_way(path):
    own = module_of(path)
    for name in imports_of(path):
        if name.partition(".")[0] == "pixelmw":
            same_folder = any(
                own.startswith(folder) and name.startswith(folder) for folder in ("pixelmw.sinks", "pixelmw.delivery")
            )
            assert same_folder or layer_of(name) < layer_of(own), f"{own} imports {name}"


def test_the_import_rule_can_see():
    assert "pixelmw.errors" in set(imports_of(PACKAGE / "params.py"))
    assert "pixelmw.forksafe" in set(imports_of(PACKAGE / "sinks" / "sqlite.py"))
    assert "pixelmw" in set(imports_of(PACKAGE / "__main__.py"))
    assert layer_of("pixelmw.errors") < layer_of("pixelmw.params") < layer_of("pixelmw.sinks.sqlite")


@pytest.mark.parametrize("name", sorted(PURE))
def test_the_core_is_pure(name):
    assert not IMPURE_IMPORTS & {module.partition(".")[0] for module in imports_of(PACKAGE / f"{name}.py")}


def test_only_three_modules_know_jsonschema():
    knowing = {module_of(path) for path in PACKAGE.rglob("*.py") if "jsonschema" in set(imports_of(path))}
    assert knowing == {"pixelmw.schema", "pixelmw.loading", "pixelmw.proof"}


def test_the_package_imports_nothing_optional():
    code = "import sys, pixelmw.__main__; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = set(subprocess.run([sys.executable, "-c", code], text=True, capture_output=True).stdout.split())
    assert {"werkzeug", "jsonschema"} <= loaded
    assert not {"flask", "django", "gunicorn", "gevent", "requests"} & loaded
    assert not OPTIONAL & loaded


def test_each_client_library_is_imported_by_one_file():
    owners = {}
    for path in PACKAGE.rglob("*.py"):
        for name in {module.partition(".")[0] for module in imports_of(path)} & OPTIONAL:
            owners.setdefault(name, set()).add(module_of(path))
    assert {name: len(modules) for name, modules in owners.items()} == dict.fromkeys(OPTIONAL, 1), owners


@pytest.mark.parametrize("file", FILES)
def test_a_file_past_250_lines_is_two_files(file):
    assert len((ROOT / file).read_text(encoding="utf-8").splitlines()) <= 250


@pytest.mark.parametrize("file", FILES)
def test_one_sentence_says_what_a_module_is_for(file):
    docstring = ast.get_docstring(ast.parse((ROOT / file).read_text(encoding="utf-8")))
    assert docstring
    assert re.match(r"[A-Z`].*[.:]$", docstring.partition("\n\n")[0].replace("\n", " "))


def test_every_public_name_has_a_docstring():
    for path in PACKAGE.rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
                assert ast.get_docstring(node), f"{path.name}: {node.name}"
