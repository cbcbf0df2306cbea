"""Refusals that are made by users: another code is an error, where it is made if that can be."""

from __future__ import annotations

from typing import Any

import pytest

from pixelmw import Event, Rejected
from tests.support.pixel import Pixel

GOOD = "writeKey=k&anonymousId=a&event=e"


class OfItsOwn(Rejected):
    code = "of-its-own"

    def __init__(self) -> None:
        Exception.__init__(self, "not ours")


class WithoutBase(Rejected):
    def __init__(self) -> None:
        pass


class SetLater(Rejected):
    def __init__(self) -> None:
        super().__init__("invalid", "not ours")
        self.code = "of-its-own"


@pytest.mark.parametrize("kind", [OfItsOwn, WithoutBase, SetLater])
@pytest.mark.parametrize("reply", ["gif", "ok", "auto", "always-gif"])
def test_a_refusal_with_a_code_of_its_own_is_a_fault_of_the_enricher(
    kind: type[Rejected], reply: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(event: Event, request: object) -> None:
        raise kind()  # type: ignore[call-arg]

    pixel = Pixel(enrich=[refuse], reply=reply)
    response = pixel.get("/pixel/v1/track", GOOD)
    assert response.status_code == (200 if reply == "always-gif" else 503)
    assert response.headers["X-Pixel-Error"] == "unavailable"
    assert pixel.middleware.collector.stats() == {"unavailable": 1}
    assert "of-its-own" in caplog.text or "Rejected.__init__" in caplog.text


def test_another_code_is_an_error_where_it_is_made_and_where_it_is_set() -> None:
    with pytest.raises(ValueError, match="unknown code 'blocked'; known are"):
        Rejected("blocked", "why")
    refusal = Rejected("invalid", "why")
    with pytest.raises(ValueError, match="unknown code 'blocked'; known are"):
        refusal.code = "blocked"
    refusal.code = "unauthorized"
    assert (refusal.code, refusal.status) == ("unauthorized", 401)


def test_a_message_that_is_no_text_is_an_error_where_it_is_made() -> None:
    with pytest.raises(TypeError, match="message is ValueError"):
        Rejected("invalid", ValueError("why"))  # type: ignore[arg-type]
