"""Addresses on loopback that swallow every attempt to connect, and names that have several addresses."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest


@contextmanager
def swallowing(count: int) -> Iterator[list[tuple[str, int]]]:
    """*count* addresses at which nobody answers: a listener whose queue is full drops what comes."""
    with ExitStack() as stack:
        addresses: list[tuple[str, int]] = []
        for number in range(count):
            listener = stack.enter_context(socket.socket())
            listener.bind((f"127.0.0.{number + 2}", 0))
            listener.listen(0)
            for _ in range(4):
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                with suppress(BlockingIOError):
                    waiting.connect(listener.getsockname())
            addresses.append(listener.getsockname())
        yield addresses


def give_addresses(monkeypatch: pytest.MonkeyPatch, host: str, addresses: list[tuple[str, int]]) -> None:
    """Let the name *host* have *addresses*, whichever port is asked for. Any other name is looked up as ever."""
    look_up = socket.getaddrinfo

    def getaddrinfo(name: str, *arguments: int, **options: int) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        if name == host:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]
        return look_up(name, *arguments, **options)  # type: ignore[return-value]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
