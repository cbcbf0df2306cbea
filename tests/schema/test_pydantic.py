"""The schemas that Pydantic makes of models, as they come: each ordinary event satisfies them."""

from __future__ import annotations

import enum
from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from tests.support.pixel import Pixel


class Size(enum.IntEnum):
    SMALL = 1
    LARGE = 2


class Color(enum.StrEnum):
    RED = "red"
    BLUE = "blue"


class Line(BaseModel):
    sku: str
    quantity: int = Field(ge=1)
    price: Decimal | None = None


class Card(BaseModel):
    kind: Literal["card"]
    digits: str
    fee: float


class Cash(BaseModel):
    kind: Literal["cash"]
    change: float | None = None


class Purchase(BaseModel):
    model_config = ConfigDict(extra="forbid")

    total: float
    count: int | None = None
    gift: bool = False
    size: Size = Size.SMALL
    color: Color | None = None
    lines: list[Line] = []
    paid: Annotated[Card | Cash, Field(discriminator="kind")] | None = None
    share: Annotated[float, Field(gt=0, le=1)] | None = None
    counts: dict[str, int] = {}
    point: tuple[int, str] | None = None
    grade: Literal[1, 2, "x"] | None = None


class Order(BaseModel):
    event: Literal["Order Completed"]
    properties: Purchase


class SignUp(BaseModel):
    event: Literal["Signed Up"]
    properties: dict[str, str] = {}


@pytest.fixture(scope="module")
def pixel() -> Pixel:
    events: TypeAdapter[Any] = TypeAdapter(Annotated[Order | SignUp, Field(discriminator="event")])
    return Pixel(schemas={"track": events.json_schema()})


ORDER = "writeKey=k&event=Order+Completed&properties.total=9.90"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("count=5", {"count": 5}),
        ("count=null", {"count": None}),
        ("count=undefined", {}),
        ("gift=True", {"gift": True}),
        ("size=2", {"size": 2}),
        ("color=red", {"color": "red"}),
        ("lines.0.sku=1&properties.lines.0.quantity=2", {"lines": [{"sku": "1", "quantity": 2}]}),
        ("lines.0.sku=1&properties.lines.0.quantity=2&properties.lines.0.price=1.50",
         {"lines": [{"sku": "1", "quantity": 2, "price": "1.50"}]}),
        ("paid.kind=card&properties.paid.digits=1234&properties.paid.fee=1",
         {"paid": {"kind": "card", "digits": "1234", "fee": 1}}),
        ("paid.kind=cash&properties.paid.change=0.5", {"paid": {"kind": "cash", "change": 0.5}}),
        ("share=0.5", {"share": 0.5}),
        ("counts.a=1", {"counts": {"a": 1}}),
        ("point.0=1&properties.point.1=2", {"point": [1, "2"]}),
        ("grade=2", {"grade": 2}),
        ("grade=x", {"grade": "x"}),
    ],
)  # fmt: skip
def test_an_ordinary_event_is_accepted(pixel: Pixel, query: str, expected: dict[str, Any]) -> None:
    event = pixel.collected("/pixel/v1/track", f"{ORDER}&properties.{query}")
    assert event["properties"] == {"total": 9.9, **expected}


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("count=x", "count"),
        ("color=green", "color"),
        ("lines.0.sku=1&properties.lines.0.quantity=0", "lines.0.quantity"),
        ("paid.kind=card&properties.paid.fee=1", "paid.digits"),
        ("paid.kind=coins", "paid.kind"),
        ("share=2", "share"),
        ("grade=3", "grade"),
        ("unknown=1", "unknown"),
    ],
)
def test_a_refusal_names_the_parameter(pixel: Pixel, query: str, path: str) -> None:
    assert pixel.refused(f"{ORDER}&properties.{query}").path == f"properties.{path}"


def test_each_event_has_its_own_model(pixel: Pixel) -> None:
    event = pixel.collected("/pixel/v1/track", "writeKey=k&event=Signed+Up&properties.total=9.90")
    assert event["properties"] == {"total": "9.90"}
    assert pixel.refused("writeKey=k&event=Signed+Off").path == "event"
