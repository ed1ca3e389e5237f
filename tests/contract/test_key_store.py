"""API keys in either database: what is stored, and how soon every worker knows."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from features.ledger import Ledger, LedgerError, open_ledger
from serving.auth import key_store, keyring
from serving.auth.access import Client, CredentialRefused
from serving.auth.api_keys import new_key
from serving.auth.key_store import KeyReader, KeyStoreUnusable, open_keys
from serving.auth.keyring import MOST_BEHIND_SECONDS, KeyRing
from tests.postgres import new_database

BACKENDS: dict[str, Callable[[pytest.FixtureRequest], str]] = {
    "sqlite": lambda request: f"sqlite:///{request.getfixturevalue('tmp_path') / 'ledger.db'}",
    "postgres": lambda request: new_database(request.getfixturevalue("postgres_server")),
}
PORT = Client("port", "border", frozenset({"score.write", "outcome.write"}))
AIR = Client("air", "customs", frozenset({"audit.read"}))


@pytest.fixture(params=BACKENDS)
def log(request: pytest.FixtureRequest) -> Iterator[Ledger]:
    opened = open_ledger(BACKENDS[request.param](request))
    open_keys(opened).close()
    yield opened
    opened.close()


@pytest.fixture
def ring(log: Ledger) -> Iterator[KeyRing]:
    """As a worker has it, with a clock that stands at 100."""
    opened = KeyRing(open_keys(log), clock=lambda: 100)
    yield opened
    opened.close()


def client_of(ring: KeyRing, key: str) -> Client:
    return asyncio.run(ring.client_of(key))


def reason(ring: KeyRing, key: str) -> str:
    with pytest.raises(CredentialRefused) as refused:
        client_of(ring, key)
    return refused.value.reason


def test_a_key_is_good_at_once_and_comes_back_as_its_client(log: Ledger, ring: KeyRing) -> None:
    assert not asyncio.run(ring.exist())
    key, stored = new_key(PORT, created_at=1)
    assert reason(ring, key) == "unknown_key"
    key_store.add(log, stored)
    assert client_of(ring, key) == PORT
    assert asyncio.run(ring.exist())
    other, kept = new_key(AIR, created_at=2)
    key_store.add(log, kept)
    assert client_of(ring, other) == AIR
    assert client_of(ring, key) == PORT


def test_what_is_stored_comes_back_whole_and_holds_no_key(log: Ledger) -> None:
    key, stored = new_key(PORT, created_at=1, expires_at=2)
    key_store.add(log, stored)
    with closing(open_keys(log)) as reader:
        assert reader.read_all() == [stored]
    assert key.split("_", 2)[2] not in repr(stored)  # the secret may hold a "_" itself
    assert stored.sha256 not in key


def test_a_revoked_key_is_refused_within_a_second(log: Ledger, ring: KeyRing) -> None:
    key, stored = new_key(PORT, created_at=1)
    other, kept = new_key(AIR, created_at=1)
    key_store.add(log, stored)
    key_store.add(log, kept)
    assert client_of(ring, key) == PORT
    key_store.revoke(log, "port", 50)
    time.sleep(MOST_BEHIND_SECONDS + 0.05)
    assert reason(ring, key) == "key_revoked"
    assert client_of(ring, other) == AIR
    key_store.revoke(log, "air", 60)
    time.sleep(MOST_BEHIND_SECONDS + 0.05)
    assert asyncio.run(ring.exist()), "with all keys revoked it must not become open to everyone"


@pytest.mark.parametrize(("expires_at", "good"), [(101, True), (100, False), (None, True)])
def test_a_key_is_good_until_before_it_expires(
    log: Ledger, ring: KeyRing, expires_at: int | None, good: bool
) -> None:
    key, stored = new_key(PORT, created_at=1, expires_at=expires_at)
    key_store.add(log, stored)
    if good:
        assert client_of(ring, key) == PORT
    else:
        assert reason(ring, key) == "key_expired"


def test_a_rotated_key_stays_good_for_its_time_of_grace_and_no_longer_than_it_was(
    log: Ledger,
) -> None:
    keys = []
    for expires_at in (None, 120):
        key, stored = new_key(PORT, created_at=1, expires_at=expires_at)
        key_store.add(log, stored)
        keys.append(key)
    newest, stored = new_key(PORT, created_at=99)
    key_store.replace(log, stored, until=150)
    for now, good in [(119, [0, 1, 2]), (120, [0, 2]), (149, [0, 2]), (150, [2])]:
        with closing(KeyRing(open_keys(log), clock=lambda now=now: now)) as ring:  # type: ignore[misc]
            for number, key in enumerate((*keys, newest)):
                if number in good:
                    assert client_of(ring, key) == PORT
                else:
                    assert reason(ring, key) == "key_expired"


def test_the_same_key_id_with_another_secret_is_unknown(log: Ledger, ring: KeyRing) -> None:
    key, stored = new_key(PORT, created_at=1)
    key_store.add(log, stored)
    forged = key[:-1] + ("A" if key[-1] != "A" else "B")
    assert reason(ring, forged) == "unknown_key"


def test_a_key_id_is_given_once(log: Ledger) -> None:
    _, stored = new_key(PORT, created_at=1)
    key_store.add(log, stored)
    with pytest.raises(LedgerError):
        key_store.add(log, stored)


def test_keys_of_a_newer_program_are_refused(log: Ledger) -> None:
    with closing(open_keys(log)) as reader:
        with log.transaction() as transaction:
            transaction.execute("UPDATE api_key_state SET schema_version = 9")
        with pytest.raises(KeyStoreUnusable, match="version 9, this program knows 1"):
            reader.generation()


def said_by(ring: KeyRing) -> str | None:
    return ring.problem


def test_while_the_database_cannot_be_read_keys_stay_as_they_were(
    log: Ledger, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyring, "AFTER_FAILURE_SECONDS", 0.0)
    key, stored = new_key(PORT, created_at=1)
    key_store.add(log, stored)
    assert client_of(ring, key) == PORT
    assert said_by(ring) is None
    with log.transaction() as transaction:
        transaction.execute("ALTER TABLE api_key_state RENAME TO elsewhere")
    unknown, _ = new_key(PORT, created_at=1)
    assert reason(ring, unknown) == "unknown_key"
    assert (said_by(ring) or "").startswith("keys_unreadable: ")
    assert client_of(ring, key) == PORT
    with log.transaction() as transaction:
        transaction.execute("ALTER TABLE elsewhere RENAME TO api_key_state")
    assert reason(ring, unknown) == "unknown_key"
    assert said_by(ring) is None


def test_a_database_that_fails_is_not_asked_by_every_request(
    ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    unknown, _ = new_key(PORT, created_at=1)
    asked = []

    def failing(reader: KeyReader) -> int:
        asked.append(reader)
        raise KeyStoreUnusable("no answer")

    monkeypatch.setattr(KeyReader, "generation", failing)
    for _ in range(50):
        assert reason(ring, unknown) == "unknown_key"
        asyncio.run(ring.exist())
    assert len(asked) == 1


def test_keys_that_were_never_read_lock_and_do_not_open(log: Ledger) -> None:
    reader = open_keys(log)
    with log.transaction() as transaction:
        transaction.execute("ALTER TABLE api_key_state RENAME TO elsewhere")
    with closing(KeyRing(reader)) as ring:
        assert asyncio.run(ring.exist())
