"""What Flask's templates give to the tag of a pixel."""

from __future__ import annotations

from decimal import Decimal
from html import unescape
from uuid import UUID

from flask import Flask, render_template_string

from pixelmw import Event
from pixelmw.contrib.flask import Pixels


def test_ids_and_prices_of_models_are_text() -> None:
    events: list[Event] = []
    app = Flask(__name__)
    Pixels(app, sink=events.append, write_key="web")
    user = UUID(int=5)
    fields = {"user": user, "props": {"price": Decimal("1.50"), "items": [{"id": user}]}}
    with app.app_context():
        url = render_template_string('{{ pixel_url("track", "e", user_id=user, properties=props) }}', **fields)
    assert app.test_client().get(unescape(url)).status_code == 200
    assert events[0]["userId"] == str(user)
    assert events[0]["properties"] == {"price": "1.50", "items": [{"id": str(user)}]}
