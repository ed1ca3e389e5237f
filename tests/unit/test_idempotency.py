"""One Idempotency-Key, one request: replayed byte for byte, refused for any other."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from features.ledger import open_ledger
from features.settings import Settings
from serving.app import create_app
from serving.audit import read_assessments
from serving.metrics import Counters
from serving.openapi import MOVEMENT_EXAMPLES
from serving.recording import Recorder
from serving.state import ServingState
from tests.app_client import AppClient, refused_with

VEHICLE = MOVEMENT_EXAMPLES["vehicle"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(home=tmp_path, ledger_url=f"sqlite:///{tmp_path / 'ledger.db'}")
    open_ledger(made.ledger).close()
    return made


@pytest.fixture
def client(settings: Settings) -> Iterator[AppClient]:
    opened = AppClient(create_app(lambda: ServingState(settings), counters=Counters()))
    yield opened
    opened.close()


def post(client: AppClient, key: str, **changes: Any) -> httpx.Response:
    headers = {"Idempotency-Key": key}
    return client.request("POST", "/v1/scores", json={**VEHICLE, **changes}, headers=headers)


def test_the_same_request_is_replayed_byte_for_byte(client: AppClient) -> None:
    first, again = post(client, '"8e03978e"'), post(client, "8e03978e")
    assert first.status_code == again.status_code == 200
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"


def test_a_key_is_good_for_one_request_and_a_request_for_many_keys(
    client: AppClient, settings: Settings
) -> None:
    first = post(client, "A")
    refused_with(post(client, "A", movement_ref="OTHER"), "idempotency_key_reused")
    refused_with(post(client, "A", version=2), "idempotency_key_reused")
    refused_with(post(client, "A", gross_mass_kg=1), "idempotency_key_reused")
    refused_with(post(client, "B", gross_mass_kg=1), "movement_conflict")
    assert post(client, "B").content == first.content
    assert len(read_assessments(settings.ledger)) == 1


@pytest.mark.parametrize("key", ["", '""', "a b", '"a', "x" * 129, "ü".encode(), "a\tb"])
def test_a_key_that_is_none_is_refused(client: AppClient, key: str) -> None:
    refused_with(post(client, key), "bad_idempotency_key")


def test_two_keys_in_one_request_are_refused(client: AppClient) -> None:
    headers = [("Idempotency-Key", "A"), ("Idempotency-Key", "A")]
    refused_with(
        client.request("POST", "/v1/scores", json=VEHICLE, headers=headers), "bad_idempotency_key"
    )


def test_a_key_whose_request_is_being_answered_is_in_use(
    client: AppClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, go_on = threading.Event(), threading.Event()
    recorded = Recorder.done

    async def slow(self: Recorder, work: Any, records: int) -> Any:
        began.set()
        await asyncio.to_thread(go_on.wait)
        return await recorded(self, work, records)

    monkeypatch.setattr(Recorder, "done", slow)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(post, client, "A")
        began.wait()
        second = post(client, "A")
        go_on.set()
        assert first.result().status_code == 200
    refused_with(second, "idempotency_key_in_use")
    assert second.headers["retry-after"] == "1"
    assert post(client, "A").headers["idempotent-replayed"] == "true"


def test_no_key_is_kept_as_it_was_sent(client: AppClient, settings: Settings) -> None:
    post(client, "a-key-that-names-somebody")
    kept = b"".join(path.read_bytes() for path in settings.home.rglob("*") if path.is_file())
    assert b"idempotency_keys" in kept
    assert b"a-key-that-names-somebody" not in kept
