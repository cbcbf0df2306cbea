"""The command line stops on SIGTERM, and leaves its caller's signal handlers as they were, however it ends."""

from __future__ import annotations

import http.client
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import pytest

from pixelmw.cli.main import main
from tests.support.processes import wait_until
from tests.support.spools import fill, waiting

Handler = Callable[[int, FrameType | None], None]

# A user's module: each name is a sink that ends the command in another way.
_MODULE = """
import signal
from pixelmw.sinks import JSONLines

good = JSONLines("out.jsonl")

def __getattr__(name):
    if name == "stopped":
        signal.raise_signal(signal.SIGTERM)
    raise RuntimeError("the module fails")
"""


@pytest.fixture
def handler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Handler]:
    """The caller's handler of the signals that a command may be stopped with, in a directory with an empty spool."""

    def never(number: int, frame: FrameType | None) -> None:
        raise AssertionError("a command has stopped, and handles this itself")

    (tmp_path / "shop_with_signals.py").write_text(_MODULE)
    (tmp_path / "spool").mkdir(mode=0o700)
    (tmp_path / "spool" / "drain.lock").touch(mode=0o600)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.delitem(sys.modules, "shop_with_signals", raising=False)
    before = {number: signal.signal(number, never) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    yield never
    for number, previous in before.items():
        signal.signal(number, previous)


@pytest.mark.parametrize(
    ("arguments", "ending"),
    [
        pytest.param(["drain", "spool", "--sink=shop_with_signals:good"], None, id="drain is done"),
        pytest.param(["drain", "spool", "--follow", "--sink=shop_with_signals:stopped"], None, id="drain is stopped"),
        pytest.param(["drain", "spool", "--sink=shop_with_signals:x"], RuntimeError, id="the user's module fails"),
        pytest.param(["drain", "missing", "--sink=shop_with_signals:good"], SystemExit, id="drain finds no spool"),
        pytest.param(["serve", "--db", "spool"], SystemExit, id="serve cannot open its database"),
        pytest.param(["serve", "--port", "x"], SystemExit, id="a wrong argument"),
        pytest.param(["--version"], SystemExit, id="the version"),
    ],
)
def test_the_callers_handlers_are_in_place_again(
    handler: Handler, arguments: list[str], ending: type[BaseException] | None
) -> None:
    if ending is None:
        assert main(arguments) == 0
    else:
        with pytest.raises(ending):
            main(arguments)
    assert {signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)} == {handler}


def test_a_server_that_is_stopped_returns_0_and_puts_the_handler_back(
    handler: Handler, capsys: pytest.CaptureFixture[str], free_port: int
) -> None:
    def stop_once_it_answers() -> None:
        wait_until(lambda: _answers(free_port))
        signal.raise_signal(signal.SIGTERM)

    watcher = threading.Thread(target=stop_once_it_answers)
    watcher.start()
    assert main(["serve", "--port", str(free_port)]) == 0
    watcher.join()
    assert capsys.readouterr().out.endswith("stopped\n")
    assert signal.getsignal(signal.SIGTERM) is handler


def _answers(port: int) -> bool:
    """Whether the server serves. It listens a moment earlier, when it has not said yet where."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        client.request("GET", "/")
        return client.getresponse().status == 200
    except ConnectionError:
        return False
    finally:
        client.close()


def test_a_server_that_is_stopped_before_it_serves_returns_0_and_puts_the_handler_back(handler: Handler) -> None:
    assert main(["serve", "--app", "shop_with_signals:stopped"]) == 0
    assert signal.getsignal(signal.SIGTERM) is handler


def test_a_drain_that_is_stopped_before_it_has_looked_does_not_say_that_nothing_is_left(
    handler: Handler, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path / "spool", ["1"])
    assert main(["drain", "spool", "--sink=shop_with_signals:stopped"]) == 1
    assert capsys.readouterr().err == "pixelmw: interrupted before it was done\n"
    assert waiting(tmp_path / "spool") == ["1"]
