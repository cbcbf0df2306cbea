"""An enricher that makes the visitor's address coarser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .addresses import coarse_address

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

    from ..events import Event


def anonymize_ip(event: Event, request: Request) -> None:
    """Keep only the network of ``context.ip``: ``203.0.113.0`` (/24), or ``2001:db8:1::`` (/48) of an IPv6 address.

    An IPv4 address within IPv6 becomes IPv4. If ``context.ip`` is no address,
    it is removed. Put this behind :func:`client_context`, which sets it::

        PixelMiddleware(app, sink, enrich=[client_context, anonymize_ip])
    """
    context = event.get("context")
    if isinstance(context, dict) and "ip" in context:
        ip = context.pop("ip")
        if isinstance(ip, str) and (network := coarse_address(ip)):
            context["ip"] = network
