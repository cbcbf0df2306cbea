"""The Python code in the README and in ``docs`` runs, and sends requests."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.support import backends
from tests.support.docs_page import parse
from tests.support.http_server import KEY, data_plane
from tests.support.mock_brokers import mock_brokers

ROOT = Path(__file__).parents[2]
PAGES = {path.relative_to(ROOT).as_posix(): path for path in (ROOT / "README.rst", *sorted(ROOT.glob("docs/**/*.rst")))}
CODE = {name: "\n".join(str(example.parsed) for example in parse(path).examples()) for name, path in PAGES.items()}


@contextmanager
def broker_address() -> Iterator[str]:
    with mock_brokers(1) as brokers:
        yield brokers.bootstrap_servers


@contextmanager
def data_plane_url() -> Iterator[str]:
    with data_plane() as server:
        yield server.url


@contextmanager
def url_of(backend: Callable[[], AbstractContextManager[backends.Backend]]) -> Iterator[str]:
    with backend() as server:
        yield server.url


#: What the examples call a server, and what starts one and gives its address.
SERVERS: dict[str, Callable[[], AbstractContextManager[str]]] = {
    "kafka.example:9092": broker_address,
    "https://data-plane.example": data_plane_url,
    "redis://redis.example": lambda: url_of(backends.redis_server),
    "postgresql+psycopg://user:secret@db.example/shop": lambda: url_of(backends.postgres),
}


# A process for each page takes its time: what a newcomer reads first is in the quick suite.
FIRST_PAGES = ("README.rst", "docs/start/")
WITH_CODE = [
    pytest.param(name, marks=() if name.startswith(FIRST_PAGES) else pytest.mark.slow) for name in PAGES if CODE[name]
]


@pytest.mark.parametrize("page", WITH_CODE)
def test_every_example_of_a_page_runs_and_sends_a_request(page: str, tmp_path: Path) -> None:
    text = PAGES[page].read_text(encoding="utf-8")
    text = text.replace("/var/spool/", f"{tmp_path}/").replace("the write key of the source", KEY)
    copy = tmp_path / "page.rst"
    command = [sys.executable, "-W", "error", "-m", "tests.support.docs_page", str(copy)]
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    with ExitStack() as servers:
        for host in filter(CODE[page].__contains__, SERVERS):
            text = text.replace(host, servers.enter_context(SERVERS[host]()))
        copy.write_text(text, encoding="utf-8")
        run = subprocess.run(command, cwd=tmp_path, env=environ, text=True, capture_output=True, timeout=60)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("page", [name for name in PAGES if not re.search("PixelMiddleware|PixelASGI", CODE[name])])
def test_a_page_without_a_middleware_has_no_example_at_all(page: str) -> None:
    """Otherwise it would have one that sends no request."""
    assert not CODE[page]


@pytest.mark.parametrize("page", PAGES)
def test_python_code_stands_where_it_is_run(page: str) -> None:
    """A block in Python without ``code-block:: python`` would be shown, and not run."""
    unmarked = re.findall(r"::\n\n +(?:from|import|def|>>>) .*", PAGES[page].read_text(encoding="utf-8"))
    assert not [block for block in unmarked if "python" not in block]
