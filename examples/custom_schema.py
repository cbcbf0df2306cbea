"""A tracking plan: a schema of your own on top of the bundled one, and a place for what it refuses.

Run it with ``python custom_schema.py``; it sends two pixels and shows what became of them.
"""

from pprint import pprint

from werkzeug.test import Client
from werkzeug.wrappers import Response

from pixelmw import Event, PixelMiddleware, Rejected

ORDER = {
    "allOf": [{"$ref": "urn:pixelmw:track"}],
    "properties": {
        "event": {"enum": ["Order Completed", "Order Refunded"]},
        "properties": {
            "required": ["order_id", "total"],
            "properties": {
                "order_id": {"type": "string", "minLength": 1},
                "total": {"type": "number", "minimum": 0},  # "19.90" in the URL, 19.9 in the event
                "express": {"type": "boolean"},
                "products": {"type": "array", "items": {"properties": {"quantity": {"type": "integer"}}}},
            },
        },
    },
}

events: list[Event] = []
refused: list[Rejected] = []
application = PixelMiddleware(Response("host"), events.append, schemas={"track": ORDER}, on_reject=refused.append)

if __name__ == "__main__":
    client = Client(application)
    url = "/pixel/v1/track?writeKey=k&anonymousId=a&event=Order+Completed&properties.order_id=7&properties.express=true"
    products = "&properties.products.0.quantity=2&properties.products.1.quantity=1"
    client.get(f"{url}&properties.total=19.90{products}")
    pprint(events[0]["properties"])
    client.get(f"{url}&properties.total=much")
    print(f"refused: {refused[0].message}")
