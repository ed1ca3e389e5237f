"""One hostile request, and what may become of it."""

from collections.abc import Mapping
from typing import NamedTuple


class Hostile(NamedTuple):
    """One request as bytes, and the codes that may refuse it."""

    name: str
    sent: bytes
    codes: frozenset[str]
    """Of problem documents; empty: see ``statuses``."""
    statuses: frozenset[int] = frozenset()
    """Where HTTP itself is broken, and the server's own words, or none, are the answer: statuses,
    0 for a connection that is closed, or left waiting for the rest, without one."""


def framed(
    path: str, body: bytes, headers: Mapping[str, str] | None = None, method: str = "POST"
) -> bytes:
    named = {
        "Host": "localhost",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    named |= headers or {}
    lines = [f"{method} {path} HTTP/1.1", *(f"{n}: {v}" for n, v in named.items() if v != "-")]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
