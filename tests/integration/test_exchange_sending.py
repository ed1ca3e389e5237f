"""Sending beside the answering: one partner never holds up another, or a score."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from features.keys import make_partnership_key
from features.ledger import open_tables
from features.settings import Settings
from serving.app import create_app
from serving.exchange import posting, store
from serving.exchange.keys import make_exchange_key, rotate_exchange_key
from serving.exchange.signatures import taken_apart
from serving.metrics import Counters
from serving.state import ServingState
from tests.app_client import AppClient
from tests.served_home import healthy_home, vehicle

PATIENCE_SECONDS = 30.0


class Taker:
    """A partner that takes everything, over loopback."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self.events))
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1/exchange/events"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def ids(self) -> list[str]:
        return [event["id"] for event in self.events]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler_of(taken: list[dict[str, Any]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            events = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            taken.extend(events)
            receipts = [{"id": event["id"], "status": "accepted"} for event in events]
            body = json.dumps({"events": receipts}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@contextmanager
def nobody_answers() -> Iterator[str]:
    """An address that takes connections and never says anything."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(16)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1/exchange/events"


@pytest.fixture
def settings(home: Path) -> Settings:
    made = healthy_home(home)
    make_partnership_key(made.keys, "north-sea")
    make_exchange_key(made)
    return made


@pytest.fixture
def taker() -> Iterator[Taker]:
    made = Taker()
    yield made
    made.close()


def introduce(settings: Settings, **urls: str) -> None:
    partners = [
        f'[[partner]]\nname = "{name}"\nagency = "{name}-uk"\npartnership = "north-sea"\n'
        f'url = "{url}"\nshares = ["movements"]\n'
        for name, url in urls.items()
    ]
    text = 'agency = "border-force"\n' + "\n".join(partners)
    (settings.home / "partners.toml").write_text(text)


def started(settings: Settings) -> AppClient:
    return AppClient(create_app(lambda: ServingState(settings), counters=Counters()))


def wait_until(what: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not what():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_partner_that_never_answers_holds_up_nobody(
    settings: Settings, taker: Taker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "ANSWER_SECONDS", 1.0)
    with nobody_answers() as silent:
        introduce(settings, silent=silent, nca=taker.url)
        with closing(started(settings)) as client:
            check_nobody_waits(client, taker)


def check_nobody_waits(client: AppClient, taker: Taker) -> None:
    seconds = []
    for number in range(1, 11):
        began = time.monotonic()
        assert client.post("/v1/scores", json=vehicle(number)).status_code == 200
        seconds.append(time.monotonic() - began)
    wait_until(lambda: len(taker.events) == 10)
    assert max(seconds) < 1.0, "a score waits for no partner"
    problem = "exchange: 1 of the partners cannot be told anything at present"
    wait_until(lambda: problem in client.get("/readyz").text)
    wait_until(lambda: "foreland_exchange_partners_failing 1.0" in client.get("/metrics").text)
    assert client.post("/v1/scores", json=vehicle(11)).json()["status"] == "scored"
    wait_until(lambda: len(taker.events) == 11)


def test_of_two_workers_one_sends_and_the_other_takes_over(
    settings: Settings, taker: Taker
) -> None:
    introduce(settings, nca=taker.url)
    with closing(started(settings)) as first, closing(started(settings)) as second:
        for number in range(1, 4):
            first.post("/v1/scores", json=vehicle(number))
        wait_until(lambda: len(taker.events) >= 3)
        time.sleep(1.5)
        assert taker.ids() == [f"{at}.movement.declared" for at in (3, 4, 5)], "each once"
        sending = first if first.app.state.serving.exchange.sending.work().taken else second
        other = second if sending is first else first
        sending.run(asyncio.to_thread(sending.app.state.serving.exchange.close))
        other.post("/v1/scores", json=vehicle(4))
        wait_until(lambda: len(taker.events) == 4)


def test_what_is_missing_is_said_and_needs_no_restart(settings: Settings, taker: Taker) -> None:
    key = settings.keys / "partnership-north-sea.key"
    with closing(started(settings)) as client, closing(open_tables(settings.ledger)) as tables:
        client.post("/v1/scores", json=vehicle(1))
        aside = key.rename(settings.home / "aside.key")
        introduce(settings, nca=taker.url)
        said = "there is no key of the partnership north-sea"
        wait_until(lambda: said in str(store.mark_of(tables, "nca").problem))
        aside.rename(key)
        wait_until(lambda: len(taker.events) == 1)
        wait_until(lambda: store.mark_of(tables, "nca").problem is None)


def test_a_rotated_key_and_new_partners_need_no_restart(settings: Settings, taker: Taker) -> None:
    with closing(started(settings)) as client:
        client.post("/v1/scores", json=vehicle(1))
        introduce(settings, nca=taker.url)
        wait_until(lambda: len(taker.events) == 1)
        key = rotate_exchange_key(settings)
        client.post("/v1/scores", json=vehicle(2))
        wait_until(lambda: len(taker.events) == 2)
    signers = [taken_apart(event["signature"]).key_id for event in taker.events]
    assert signers[0] != signers[1] == key.key_id
