"""Refusals: their codes, and the evidence that the collector adds to them."""

from __future__ import annotations

import threading

import pytest
from werkzeug.wrappers import Request

from pixelmw import Event, Rejected
from pixelmw.errors import STATUS_OF_CODE
from tests.support.pixel import Pixel

GOOD = "writeKey=k&anonymousId=a&event="


@pytest.mark.parametrize(("code", "status"), STATUS_OF_CODE.items())
def test_a_code_brings_its_status(code: str, status: int) -> None:
    assert (Rejected(code, "why").code, Rejected(code, "why").status) == (code, status)


def test_an_unknown_code_is_told_with_those_that_are_known() -> None:
    with pytest.raises(ValueError, match=r"^unknown code 'inavlid'; known are bad-query, invalid, unauthorized, "):
        Rejected("inavlid", "why")


def test_an_enricher_that_refuses_with_an_unknown_code_is_a_503_and_its_fault_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def misspelled(event: Event, request: Request) -> None:
        raise Rejected("inavlid", "why")

    pixel = Pixel(enrich=[misspelled])
    assert pixel.get("/pixel/v1/track", f"{GOOD}e").status_code == 503
    assert "unknown code 'inavlid'" in caplog.text
    assert not pixel.refusals


def test_evidence_is_added_to_a_copy() -> None:
    refusal = Rejected("invalid", "why", path="a.b", rule="type")
    event = {"event": "e"}
    copied = refusal.with_evidence("track", event, lambda: "a.b=1")
    assert (copied.code, copied.status, copied.message, str(copied)) == ("invalid", 400, "why", "why")
    assert (copied.path, copied.rule) == ("a.b", "type")
    assert (copied.event_type, copied.event, copied.query) == ("track", event, "a.b=1")
    assert (refusal.event_type, refusal.event, refusal.query) == (None, None, "")


def test_a_copy_keeps_the_class_the_attributes_the_cause_and_the_traceback() -> None:
    class NotOurs(Rejected):
        def __init__(self, host: str) -> None:
            super().__init__("invalid", f"{host} is not ours")
            self.host = host

    def only_ours(event: Event, request: Request) -> None:
        try:
            event["host"]
        except KeyError as error:
            raise NotOurs("example.org") from error

    refusal = Pixel(enrich=[only_ours]).refused(f"{GOOD}e")
    assert type(refusal) is NotOurs
    assert refusal.event is not None
    assert (refusal.host, refusal.message, refusal.event["event"]) == ("example.org", "example.org is not ours", "e")
    assert isinstance(refusal.__cause__, KeyError)
    frames = []
    traceback = refusal.__traceback__
    while traceback:
        frames.append(traceback.tb_frame.f_code.co_name)
        traceback = traceback.tb_next
    assert "only_ours" in frames


def test_one_refusal_that_is_raised_in_many_threads_mixes_no_requests_up() -> None:
    one = Rejected("invalid", "never")

    def never(event: Event, request: Request) -> None:
        together.wait(10)
        raise one

    together = threading.Barrier(8)
    pixel = Pixel(enrich=[never])
    queries = [f"{GOOD}{number}" for number in range(8)]
    threads = [threading.Thread(target=pixel.get, args=["/pixel/v1/track", query]) for query in queries]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = sorted((refusal.event["event"], refusal.query[-1]) for refusal in pixel.refusals if refusal.event)
    assert found == [(str(number), str(number)) for number in range(8)]
    assert one.event is None
