"""The proxy that requests to a data plane go through, if any: the one that was named, or the environment's."""

from __future__ import annotations

from base64 import b64encode
from urllib.parse import unquote
from urllib.request import getproxies_environment, proxy_bypass

import urllib3


def find_proxy(url: urllib3.util.Url, proxy: str | None) -> urllib3.util.Url | None:
    """Return the proxy for requests to *url*, or ``None`` for none.

    :param proxy: the URL of a proxy; ``"environment"`` for the one that
        ``http_proxy``, ``https_proxy`` or ``all_proxy`` names for *url*, unless
        ``no_proxy`` names its host; ``None`` for none.
    :raises ValueError: if it is no URL of a proxy. The message does not quote it: it may hold a password.
    """
    if proxy is None:
        return None
    if proxy != "environment":
        return _parse(proxy, 'proxy must be "environment", or a URL such as "http://proxy.example:3128"')
    named = getproxies_environment()
    host = url.host or ""
    found = named.get(url.scheme or "") or named.get("all")
    if not found or proxy_bypass(host if url.port is None else f"{host}:{url.port}"):
        return None
    # Without a scheme, every program takes the value for a host and a port.
    complaint = "the environment names no HTTP proxy, such as http://proxy.example:3128"
    return _parse(found if "://" in found else f"http://{found}", complaint)


def proxy_authorization(proxy: urllib3.util.Url) -> str:
    """Return the header by which a proxy knows the user that *proxy* names (RFC 7617)."""
    return f"Basic {b64encode(unquote(proxy.auth or '').encode()).decode()}"


def secrets_of(proxy: urllib3.util.Url | None) -> set[str]:
    """Return what no message may show of *proxy*: its password, in each form."""
    if proxy is None or not proxy.auth:
        return set()
    password = proxy.auth.partition(":")[2]
    return {proxy.auth, password, unquote(password), proxy_authorization(proxy).removeprefix("Basic ")} - {""}


def _parse(url: str, complaint: str) -> urllib3.util.Url:
    try:
        parsed = urllib3.util.parse_url(url)
    except (ValueError, TypeError, AttributeError):
        parsed = urllib3.util.Url()
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.path not in (None, "", "/") or parsed.query:
        raise ValueError(complaint)
    return parsed
