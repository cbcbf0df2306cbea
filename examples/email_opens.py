"""Count who opened a mail: three mails with signed links, and a collector that keeps the opens.

Run ``python email_opens.py`` to print the mails. Serve ``email_opens:application``
and open them: each recipient counts once, however often a mail is shown. The
keys come from the environment variable PIXEL_KEYS, the oldest first, separated by commas.
"""

import os
import sqlite3
from contextlib import closing
from datetime import timedelta

from markupsafe import Markup
from werkzeug.wrappers import Request, Response

from pixelmw import Event, PixelMiddleware
from pixelmw.enrich import client_context
from pixelmw.links import Links, Signer
from pixelmw.sinks import SQLite

DATABASE = os.environ.get("EVENTS_DB", "opens.db")
BASE_URL = os.environ.get("BASE_URL", "http://127.0.0.1:8000")
CAMPAIGN = "spring-2026"
LIFETIME = timedelta(seconds=float(os.environ.get("LINK_SECONDS", 90 * 86_400)))

# A key that everybody can read here protects nothing: it is for trying this file only.
signer = Signer(os.environ.get("PIXEL_KEYS", "only for trying this file").split(","))
links = Links(BASE_URL, write_key="newsletter", signer=signer)


def mail_to(recipient: str) -> Markup:
    """The mail for one recipient, as HTML.

    All opens of one mail have the same messageId. So the database keeps the
    first of them, and an open counts once.
    """
    pixel = links.img(
        "track",
        "Email Opened",
        user_id=recipient,
        message_id=f"open-{CAMPAIGN}-{recipient}",
        properties={"campaign": CAMPAIGN},
        expires_in=LIFETIME,
    )
    return Markup("<p>Dear {}, spring is here.</p>\n{}").format(recipient, pixel)


def label_fetcher(event: Event, request: Request) -> None:
    """Say what fetched the image, as far as it says so itself. No label means that nobody knows."""
    user_agent = request.user_agent.string
    if "GoogleImageProxy" in user_agent or "YahooMailProxy" in user_agent:
        event["context"]["fetcher"] = "mail proxy"  # on behalf of a reader
    elif user_agent == "Mozilla/5.0":
        event["context"]["fetcher"] = "Apple Mail Privacy Protection"  # perhaps nobody has read the mail


def opens() -> list[tuple[str, str]]:
    """Who opened the mail, and what fetched the image: one row for each recipient."""
    with closing(sqlite3.connect(DATABASE)) as connection:
        return connection.execute(
            "SELECT user_id, coalesce(json_extract(body, '$.context.fetcher'), 'unknown') FROM events ORDER BY user_id"
        ).fetchall()


@Request.application
def report(request: Request) -> Response:
    """The page of the campaign."""
    return Response("".join(f"{recipient}: {fetcher}\n" for recipient, fetcher in opens()))


application = PixelMiddleware(
    report,
    SQLite(DATABASE),
    write_keys=["newsletter"],
    signer=signer,
    enrich=[client_context, label_fetcher],
)

if __name__ == "__main__":
    for name in ("ada", "grace", "karen"):
        print(mail_to(name))
