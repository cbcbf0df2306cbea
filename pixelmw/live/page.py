"""The page of the live view: its markup, style and script from the package, put together as one document.

Nothing else is loaded, and nothing else can run: the policy names the style and
the script by their hashes. What the script shows, it sets as text.
"""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import NamedTuple

# The parts of the one script, in their order; the first says how the page works.
_SCRIPT = ("state.js", "text.js", "entries.js", "server.js", "list.js", "detail.js", "controls.js")


class Page(NamedTuple):
    """The page.

    :ivar body: the document, in UTF-8.
    :ivar policy: its ``Content-Security-Policy``.
    """

    body: bytes
    policy: str


@cache
def load_page() -> Page:
    """The page, read from the package once."""
    assets = files(__package__) / "assets"
    markup, style, *parts = ((assets / name).read_text("utf-8") for name in ("page.html", "page.css", *_SCRIPT))
    script = "\n".join(parts)
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    body = markup.replace("/*style*/", style).replace("/*script*/", script)
    return Page(body.encode(), policy)


def _hash(text: str) -> str:
    """The source of a policy for an inline *text*: Content Security Policy Level 3, section 2.3.1."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
