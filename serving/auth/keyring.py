"""The API keys as one worker knows them: read again whenever any of them has changed."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from features.clock import Micros, now_micros
from serving.auth.access import Client, CredentialRefused
from serving.auth.api_keys import StoredKey, check, key_id_of
from serving.auth.key_store import KeyReader, KeyStoreUnusable

MOST_BEHIND_SECONDS = 0.25
"""How long a revoked key may still be taken for good."""
AFTER_FAILURE_SECONDS = 2.0
"""A database that hangs must not be asked, and waited for, by every request."""
_MOST_CHECKED = 1_024
PATIENCE_SECONDS = 1.0
"""How long a request waits for a database that is asked."""


class KeyRing:
    """Asks the database whether anything changed: for a key that it knows every quarter of a
    second, for one that it does not know at once, so that a new key is good at once.

    While the database cannot be read the keys stay as they were. Nothing is recorded meanwhile,
    so nothing is answered that a revoked key could take away. Belongs to one event loop, which
    never waits for a database behind a network: another thread does.
    """

    def __init__(self, reader: KeyReader, clock: Callable[[], Micros] = now_micros) -> None:
        self._reader = reader
        self._clock = clock
        self._keys: dict[str, StoredKey] = {}
        self._checked: dict[str, StoredKey] = {}
        """Credentials that were found to be keys, since any of them changed."""
        self._generation = -1
        self._look_due_at = 0.0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="keys")
        self.problem: str | None = None
        """What keeps it from reading the database, if anything."""
        self._look()

    async def exist(self) -> bool:
        """Whether there was ever a key; also when all of them are revoked or expired by now."""
        if not self._keys:
            await self._look_unless_it_fails()
        never_read = self._generation < 0
        return never_read or bool(self._keys)

    async def client_of(self, credential: str) -> Client:
        """
        Raises:
            CredentialRefused: it is no key that is good now.
        """
        if time.monotonic() > self._look_due_at:
            await self._look_unless_it_fails()
        known = self._checked.get(credential)
        if known is None:
            known = await self._check(credential)
        if (refusal := known.refusal(self._clock())) is not None:
            raise CredentialRefused(refusal)
        return known.owner()

    def close(self) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._reader.close()

    async def _check(self, credential: str) -> StoredKey:
        """
        Raises:
            CredentialRefused: it is no key.
        """
        key_id = key_id_of(credential)
        if key_id not in self._keys:
            await self._look_unless_it_fails()
        known = check(credential, self._keys.get(key_id))
        if len(self._checked) >= _MOST_CHECKED:
            self._checked.clear()
        self._checked[credential] = known
        return known

    async def _look_unless_it_fails(self) -> None:
        if self.problem is not None and time.monotonic() <= self._look_due_at:
            return
        if self._reader.local:
            self._look()
            return
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await loop.run_in_executor(self._thread, self._look)
        except TimeoutError:  # those that wait for the thread are taken back with their requests
            self._fail(f"no answer within {PATIENCE_SECONDS:g} s")

    def _look(self) -> None:
        try:
            generation = self._reader.generation()
            if generation != self._generation:
                keys = {key.key_id: key for key in self._reader.read_all()}
                self._keys, self._checked, self._generation = keys, {}, generation
        except KeyStoreUnusable as exc:
            self._fail(str(exc))
            return
        self.problem = None
        self._look_due_at = time.monotonic() + MOST_BEHIND_SECONDS

    def _fail(self, failure: str) -> None:
        self.problem = f"keys_unreadable: {failure}"
        self._look_due_at = time.monotonic() + AFTER_FAILURE_SECONDS
