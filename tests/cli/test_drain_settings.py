"""``drain`` keeps to what the Spool of a directory says: whose events they are, and how much room dead letters have."""

from __future__ import annotations

from pathlib import Path

import pytest

from pixelmw.delivery import Spool
from tests.support.command_line import enter_with_module, run_here
from tests.support.processes import event
from tests.support.spools import fill, waiting

_MODULE = """
from pixelmw.delivery import Spool
from pixelmw.sinks import Undeliverable

def take(event):
    pass

def refuse(event):
    raise Undeliverable("never")

shop, blog = Spool("spool", take, name="shop"), Spool("elsewhere", take, name="blog")
narrow = Spool("spool", refuse, max_dead_bytes=1000)
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with the module in it, and a spool of shop's whose events were all forwarded."""
    enter_with_module(monkeypatch, tmp_path, "settings_shop", _MODULE)
    with Spool(tmp_path / "spool", lambda each: None, name="shop") as spool:
        spool(event("0"))
        assert spool.flush(20)
    return tmp_path


@pytest.mark.parametrize(
    ("options", "folder"), [([], "spool"), (["--dead"], "spool/dead")], ids=["events", "dead letters"]
)
def test_another_destination_is_warned_of(
    here: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], options: list[str], folder: str
) -> None:
    told = f"{here / 'spool'} holds events for shop, and they go to blog now"
    for sink, count in (("shop", 0), ("blog", 1)):
        fill(here / folder, ["1"])
        assert run_here(capsys, "drain", "spool", f"--sink=settings_shop:{sink}", *options).code == 0
        assert [record.getMessage() for record in caplog.records].count(told) == count
    assert (here / "spool" / "destination").read_text() == "shop"


def test_the_bound_of_dead_letters_holds_and_what_is_lost_is_said(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(here / "spool", [str(number) for number in range(100)])
    said = run_here(capsys, "drain", "spool", "--sink=settings_shop:narrow")
    kept = len(waiting(here / "spool" / "dead"))
    assert 0 < kept < 100
    assert said.code == 1
    assert f"; {kept} became dead letter" in said.out or kept == 1
    assert f"; {100 - kept} events were refused and are lost: there is no room for more dead letters; " in said.out
    # One that is refused again is not lost, though there is no room for two of it.
    assert run_here(capsys, "drain", "spool", "--sink=settings_shop:narrow", "--dead").code == 1
    assert len(waiting(here / "spool" / "dead")) == kept
