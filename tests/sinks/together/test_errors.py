"""What each visitor is told of a failure that several share, and what is logged of it."""

from __future__ import annotations

import errno
import gc
import logging
import traceback
import weakref
from collections.abc import Callable

import pytest
from werkzeug.test import Client

from pixelmw import Event, PixelMiddleware
from pixelmw.delivery import Background, Retry
from pixelmw.sinks import BatchSink, Unavailable, fallback
from pixelmw.sinks.base import is_down
from tests.support.pixel import host_app
from tests.support.processes import event, wait_until
from tests.support.visitors import Destination, Visitors, busy


class Wanting(ConnectionError):
    """Cannot be made of its words alone."""

    def __init__(self, host: str, *, port: int) -> None:
        super().__init__(f"{host}:{port} is away")


def told_together(answer: Callable[[list[Event]], object], count: int = 4) -> list[BaseException | None]:
    """What visitors are told who share a write that *answer* ends, the leader first."""
    sink = Destination()
    visitors = Visitors(sink)
    with busy(sink):
        visitors.come_in_line(sink, *(event(f"e{number}") for number in range(count)))
        sink.answer = answer
    visitors.leave()
    return [visitors.told[f"e{number}"] for number in range(count)]


def raising(error: BaseException) -> Callable[[list[Event]], object]:
    def answer(events: list[Event]) -> None:
        raise error

    return answer


@pytest.mark.parametrize(
    "error",
    [
        Unavailable("away", retry_after=7),
        OSError(errno.ENOSPC, "No space left on device", "/a/file"),
        TimeoutError("no answer"),
        Wanting("a-host", port=80),
    ],
    ids=lambda error: type(error).__name__,
)
def test_each_has_an_exception_of_his_own_with_the_class_and_words_of_the_first(error: Exception) -> None:
    told = told_together(raising(error))
    assert told[0] is error
    assert len(set(map(id, told))) == 4
    for each in told[1:]:
        assert isinstance(each, Exception)
        assert is_down(each)
        assert str(each) == str(error)
        assert type(each) is type(error)
        assert getattr(each, "errno", None) == getattr(error, "errno", None)
        assert getattr(each, "retry_after", None) == getattr(error, "retry_after", None)
        assert each.__cause__ is each.__context__ is None


def test_only_the_leader_has_the_traceback_of_what_was_raised() -> None:
    leader, *others = told_together(raising(Unavailable("away")))
    frames = [[frame.name for frame in traceback.extract_tb(each.__traceback__)] for each in (leader, *others) if each]
    assert "answer" in frames[0]
    assert not any("answer" in names or "write" in names for names in frames[1:])
    assert max(map(len, frames[1:])) < 8


@pytest.mark.parametrize("ending", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()], ids=repr)
def test_what_ends_a_leader_is_unavailable_for_the_others(ending: BaseException) -> None:
    leader, *others = told_together(raising(ending))
    assert leader is ending
    assert [type(each) for each in others] == [Unavailable] * 3
    assert "was ended" in str(others[0])


def test_a_failure_that_many_share_is_logged_once_without_the_texts_of_any_of_them(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sink = Destination()

    def fail(events: list[Event]) -> None:
        raise Unavailable(f"refused: {events[2]['properties']['secret']}")

    app = PixelMiddleware(host_app, sink)

    def visit(each: Event) -> None:
        name = each["messageId"]
        url = f"/pixel/v1/track?writeKey=w&anonymousId={name}&event=e&messageId={name}&properties.secret=whisper-{name}"
        assert Client(app).get(url).status_code == 503

    visitors = Visitors(visit)
    with busy(sink), caplog.at_level(logging.WARNING):
        visitors.come_in_line(sink, *(event(f"e{number}") for number in range(6)))
        sink.answer = fail
    visitors.leave()
    assert visitors.refused == []
    assert len([record for record in caplog.records if record.levelno >= logging.ERROR]) == 1
    assert "refused: …" in caplog.text
    assert "whisper" not in caplog.text
    assert len(sink.calls) == 2


def test_one_instance_that_is_raised_again_is_a_failure_to_log_each_time(caplog: pytest.LogCaptureFixture) -> None:
    away = Unavailable("away")
    sink = Destination(raising(away))
    app = PixelMiddleware(host_app, sink)

    def visit(each: Event) -> None:
        name = each["messageId"]
        assert Client(app).get(f"/pixel/v1/track?writeKey=w&anonymousId={name}&event=e").status_code == 503

    def logged() -> int:
        return len([record for record in caplog.records if record.levelno >= logging.ERROR])

    for round_ in range(1, 4):
        visitors = Visitors(visit)
        with busy(sink):
            visitors.come_in_line(sink, *(event(f"e{number}") for number in range(4)))
        visitors.leave()
        assert visitors.refused == []
        assert logged() == round_
    visit(event("alone"))
    assert logged() == 4


@pytest.mark.parametrize(
    "through",
    [lambda sink: fallback(sink, lambda event: None), lambda sink: Background(sink, retry=Retry(0.01, 0.01))],
    ids=["fallback", "Background"],
)
def test_one_instance_that_is_raised_again_does_not_grow(through: Callable[[Destination], BatchSink]) -> None:
    odd = ValueError("odd")
    sink = Destination(raising(odd))
    with through(sink) as outer:
        for number in range(20):
            calls = len(sink.calls)
            outer(event(f"e{number}"))
            wait_until(lambda: len(sink.calls) > calls)  # noqa: B023 - it is waited for at once
        wait_until(lambda: len(traceback.extract_tb(odd.__traceback__)) < 30)
        sink.answer = lambda events: None


class Refused(ValueError):
    """A weak reference can be made to it."""


@pytest.mark.parametrize("count", [1, 4])
def test_what_a_visitor_was_told_leaves_no_reference_cycle(count: int) -> None:
    def fail(events: list[Event]) -> None:
        raise Refused("what?")

    def visit(each: Event) -> None:
        try:
            sink(each)
        except Refused as error:
            contexts.append(error.__context__)
            told.append(weakref.ref(error))
            error.__traceback__ = None  # as the middleware does once it is logged

    sink = Destination()
    told: list[weakref.ref[Refused]] = []
    contexts: list[BaseException | None] = []
    visitors = Visitors(visit)
    gc.collect()
    gc.disable()
    try:
        with busy(sink):
            visitors.come_in_line(sink, *(event(f"e{number}") for number in range(count)))
            sink.answer = fail
        visitors.leave()
        assert contexts == [None] * count
        assert [each() for each in told] == [None] * count
    finally:
        gc.enable()
