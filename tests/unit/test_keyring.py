"""A database of API keys that hangs keeps one thread waiting, and never the event loop."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from serving.auth import keyring
from serving.auth.key_store import KeyReader
from serving.auth.keyring import KeyRing


class Reader(KeyReader):
    """Of a database behind a network, without keys."""

    local = False

    def __init__(self) -> None:
        self.answering = threading.Event()
        self.answering.set()

    def close(self) -> None: ...

    def _rows(self, statement: str) -> Sequence[tuple[Any, ...]]:
        self.answering.wait()
        return [(1, 0)] if "generation" in statement else []


def test_the_event_loop_goes_on_while_the_database_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(keyring, "AFTER_FAILURE_SECONDS", 0.0)
    reader = Reader()
    ring = KeyRing(reader)
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.001)
            turns += 1

    async def scenario() -> None:
        turning = asyncio.create_task(turn())
        reader.answering.clear()
        assert await asyncio.gather(*(ring.exist() for _ in range(5))) == [False] * 5
        assert said_by(ring) == "keys_unreadable: no answer within 0.2 s"
        assert turns > 20
        reader.answering.set()
        assert not await ring.exist()
        assert said_by(ring) is None
        turning.cancel()

    asyncio.run(scenario())
    ring.close()


def said_by(ring: KeyRing) -> str | None:
    return ring.problem
