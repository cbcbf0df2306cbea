"""A tracking plan: what everybody's "Order Completed" holds, and what becomes of events that hold something else.

Run it with ``python tracking_plan.py``; it sends five pixels to two applications and shows what became of them.
"""

from urllib.parse import urlencode

from werkzeug.test import Client
from werkzeug.wrappers import Response

from pixelmw import Event, PixelMiddleware, Rejected, TrackingPlan

# A file of Segment's, Typewriter's, RudderStack's or RudderTyper's loads unchanged: TrackingPlan.load("plan.json").
EVENTS = {
    "Order Completed": {
        "required": ["order_id", "total"],
        "properties": {
            "order_id": {"type": "string"},
            "total": {"type": "number", "minimum": 0},  # "9.90" in the URL, 9.9 in the event
            "products": {"items": {"properties": {"sku": {}, "quantity": {"type": "integer"}}}},
        },
    },
    "Signed Up": {},
}

events: list[Event] = []
refused: list[Rejected] = []
host = Response("host")

# In production from the first day: keep every event, and note what is wrong with it.
lenient = TrackingPlan(EVENTS, unplanned="annotate", violations="annotate", unplanned_properties="omit", version=1)
collecting = PixelMiddleware(host, events.append, plan=lenient)

# Once the notes have ended: refuse. In tests of the pages this is right from the start.
strict = TrackingPlan(EVENTS, unplanned="refuse", unplanned_properties="refuse")
refusing = PixelMiddleware(host, events.append, plan=strict, on_reject=refused.append)


def send(application: PixelMiddleware, event: str, **properties: str) -> int:
    """Send a pixel; returns the status of the answer."""
    fields = {f"properties.{name.replace('__', '.')}": value for name, value in properties.items()}
    query = urlencode({"writeKey": "k", "anonymousId": "a", "event": event, **fields})
    return Client(application).get(f"/pixel/v1/track?{query}", buffered=True).status_code


if __name__ == "__main__":
    send(collecting, "Order Completed", order_id="7", total="9.90", products__0__sku="x", products__0__colour="red")
    print("stored:", events[-1]["properties"], "without", events[-1]["context"]["omitted"])
    send(collecting, "Order Completed", order_id="7")
    print("stored, with a note:", events[-1]["context"]["violationErrors"][0]["message"])
    send(collecting, "Order Complete")
    print("stored, with a note:", events[-1]["context"]["violationErrors"][0]["message"])
    for name, properties in (("Order Complete", {}), ("Order Completed", {"order_id": "7", "totl": "9.90"})):
        print(send(refusing, name, **properties), "refused:", refused[-1].message)
