"""After an exception from outside, such as that of a signal handler, nothing hangs, at whatever line it arrives."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pixelmw.delivery import Background, Spool
from pixelmw.delivery.base import Delivery
from pixelmw.sinks import fan_out
from pixelmw.testing.contract.untraced import untraced
from tests.support import interrupts
from tests.support.forwarding import Batches
from tests.support.interrupts import call_and_interrupt
from tests.support.processes import event, finish, start

pytestmark = interrupts.MARKS


def forwarding() -> list[threading.Thread]:
    names = ("pixelmw-background", "pixelmw-spool")
    return [thread for thread in threading.enumerate() if thread.name in names]


@pytest.fixture(params=["Background", "Spool", "both"])
def delivery(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Delivery | None, object, Batches]]:
    """Something that delivers; what is called with events; and the sink behind it."""
    sink = Batches()
    if request.param == "Background":
        made: Delivery = Background(sink, max_queue=10**6, max_delay=0.01)
    else:
        made = Spool(tmp_path / "spool", sink, sync="never")
    with untraced():  # the threads of the delivery, too
        try:
            yield made, (fan_out(made) if request.param == "both" else made), sink
        finally:
            made.close(5)


@pytest.mark.slow
def test_threads_that_are_interrupted_while_they_store_leave_a_delivery_that_works(
    delivery: tuple[Delivery, Delivery, Batches],
) -> None:
    made, called, sink = delivery
    # In Python 3.11, an exception that is thrown into a thread while it starts another one may end that one instead
    # (its state has the identity of its parent), and Thread.start() never returns. So the thread is there before.
    called(event("first"))
    told = call_and_interrupt(lambda name: called(event(name)), seconds=2.0)
    assert len(told) > 100
    made(event("afterwards"))
    assert made.flush(20)
    assert len(forwarding()) == 1
    assert set(told) <= set(sink.stored)
    assert sink.stored.count("afterwards") == 1
    assert len(sink.stored) == len(set(sink.stored))


@pytest.mark.slow
def test_threads_that_are_interrupted_while_they_flush_and_look_at_figures_leave_a_delivery_that_works(
    delivery: tuple[Delivery, Delivery, Batches],
) -> None:
    made, _, sink = delivery

    def use(name: str) -> None:
        made.start()
        made(event(name))
        if name.endswith("3"):
            made.flush(0.01)
        made.stats()

    use("first")
    call_and_interrupt(use, threads=4, seconds=2.0)
    made(event("afterwards"))
    assert made.flush(20)
    assert "afterwards" in sink.stored


# Requests in the main thread, where a signal handler raises now and then, wherever the thread is.
_HANDLER = """
import faulthandler, random, signal, sys
from pixelmw import PixelMiddleware
from pixelmw.delivery import Background, Spool
from tests.support.pixel import Pixel

class Stop(BaseException):
    pass

def stop(signum, frame):
    raise Stop

events = []
kind, directory = sys.argv[1:]
sink = {
    "a list": lambda: events.append,
    "Background": lambda: Background(lambda event: None),
    "Spool": lambda: Spool(directory, lambda event: None, sync="never"),
}[kind]()
pixel = Pixel(sink=sink, on_reject=lambda rejected: None)
signal.signal(signal.SIGALRM, stop)
faulthandler.dump_traceback_later(25, exit=True)
chosen = random.Random(7)
interrupted = 0
while interrupted < 300:
    try:
        signal.setitimer(signal.ITIMER_REAL, chosen.uniform(0.0001, 0.002))
        for _ in range(5):
            pixel.get("/pixel/v1/track", "writeKey=k&anonymousId=a&event=e")
            pixel.get("/pixel/v1/track", "writeKey=k")
    except Stop:
        interrupted += 1
signal.setitimer(signal.ITIMER_REAL, 0)
while True:
    try:
        answers = [pixel.get("/pixel/v1/track", "writeKey=k&anonymousId=a&event=e").status_code for _ in range(20)]
        break
    except Stop:
        continue
print(*answers)
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["a list", "Background", "Spool"])
def test_pixels_are_answered_after_a_signal_handler_has_raised_wherever_it_met_them(tmp_path: Path, kind: str) -> None:
    assert finish(start(_HANDLER, kind, tmp_path / "spool")) == ["200"] * 20
