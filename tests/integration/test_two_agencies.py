"""Two agencies with homes, ledgers and servers of their own, and a link between them that is cut,
restored, repeats, reorders and loses: in the end both hold the same, each event once."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from features.ledger import PartnerEventReceived, open_ledger
from features.settings import Settings
from serving.exchange import store
from serving.exchange.keys import (
    exchange_key,
    import_partnership,
    make_exchange_key,
    make_partnership,
)
from serving.exchange.messages import message_of
from serving.exchange.outbox import Outbox
from serving.exchange.partners import read_partners
from serving.exchange.sending import sender_of
from serving.exchange.standing import Subject, Told, dump_of, standing_of, state_of
from tests.integration.small_border import ROOT, Server, as_json, client, free_port, vehicle
from tests.postgres import new_database
from tests.unreliable_link import Link, link_to

PARTNERSHIP, WATCHED = "north-sea", "GB123456789000"
PATIENCE_SECONDS = 120.0
"""Pauses of the senders grow with each failure, and failures are what this is about."""


class Agency(NamedTuple):
    name: str
    home: Path
    url: str
    """Of its ledger."""
    port: int

    @property
    def settings(self) -> Settings:
        return Settings(home=self.home, ledger_url=self.url)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class Pair(NamedTuple):
    """Two agencies, their servers, and the link to each."""

    one: Agency
    other: Agency
    servers: dict[str, Server]
    to_one: Link
    to_other: Link
    credential: str
    """For scoring at the other, who asks for one."""


def found(name: str, home: Path, url: str) -> Agency:
    home.mkdir(parents=True, exist_ok=True)
    open_ledger(url).close()
    agency = Agency(name, home, url, free_port())
    make_exchange_key(agency.settings)
    (home / "foreland.toml").write_text(f'ledger_url = "{url}"\n')
    return agency


def introduce(to: Agency, partner: Agency, link: Link) -> None:
    public = exchange_key(partner.settings).verifying.public.hex()
    (to.home / "partners.toml").write_text(
        f"""agency = "{to.name}"

[[partner]]
name = "{partner.name}"
agency = "{partner.name}"
partnership = "{PARTNERSHIP}"
url = "{link.url}"
shares = ["movements", "outcomes", "assessments", "alerts"]
handling = "contact"
contact = "{to.name} intelligence desk"

[[partner.key]]
public = "{public}"
"""
    )


def foreland(agency: Agency, *arguments: str) -> str:
    """A command in the agency's home; the last line that it says."""
    command = [sys.executable, "-m", "foreland", *arguments]
    environment = {**os.environ, "FORELAND_HOME": str(agency.home)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True)
    return done.stdout.decode().splitlines()[-1]


def new_key(agency: Agency, *options: str) -> str:
    return foreland(agency, "keys", "create", *options)


def raise_alert(agency: Agency) -> None:
    """Somebody proposes a selector, somebody else approves it."""
    expires = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    about = ("--criterion", f"organisation: {WATCHED}", "--reason", "seen before")
    told = ("--contact", "targeting desk", "--handling", "contact", "--expires", expires)
    selector = foreland(agency, "selectors", "add", *about, *told, "--by", "A. Lovelace")
    foreland(agency, "selectors", "approve", selector, "--approver", "C. Babbage")


def start(agency: Agency) -> Server:
    server = Server(agency.home, port=agency.port)
    server.wait_until_ready()
    return server


def make_pair(one: Agency, other: Agency, stack: ExitStack) -> Pair:
    _, file = make_partnership(one.settings.keys, PARTNERSHIP)
    copy = other.home / "copy.key"
    shutil.copy(file, copy)
    import_partnership(other.settings.keys, PARTNERSHIP, copy)
    to_one = stack.enter_context(link_to(one.address, 1))
    to_other = stack.enter_context(link_to(other.address, 2))
    introduce(one, other, to_other)
    introduce(other, one, to_one)
    options = ("--client", "exchange", "--agency", one.name, "--scopes", "exchange.write")
    token = one.settings.keys / f"partner-{other.name}.token"
    token.touch(mode=0o600)
    token.write_text(new_key(other, *options) + "\n")
    credential = new_key(other, "--client", "c", "--scopes", "score.write,outcome.write")
    servers: dict[str, Server] = {}
    stack.callback(_kill_all, servers)
    servers |= {agency.name: start(agency) for agency in (one, other)}
    return Pair(one, other, servers, to_one, to_other, credential)


def _kill_all(servers: dict[str, Server]) -> None:
    for server in servers.values():
        server.kill()


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with ExitStack() as stack:
        agencies = [
            found(name, tmp_path / name, f"sqlite:///{tmp_path / name / 'ledger.db'}")
            for name in ("border-force", "nca")
        ]
        yield make_pair(agencies[0], agencies[1], stack)


def work_on(asking: httpx.Client, first: int, many: int = 4) -> None:
    """Movements that are scored, one of them in two versions, and what examinations found."""
    for number in range(first, first + many):
        moved = vehicle(number)
        as_json(asking.post("/v1/scores", json=moved))
        outcome = {
            "kind": "vehicle",
            "event_id": f"EXAM-{number}",
            "movement_ref": moved["movement_ref"],
            "outcome": ("positive", "negative")[number % 2],
            "examined_at": datetime.now(UTC).isoformat(),
        }
        as_json(asking.post("/v1/outcomes", json=outcome))
    changed = vehicle(first, version=2, haulier_eori="XX999999999")
    as_json(asking.post("/v1/scores", json=changed))


def both_work(pair: Pair, first: int, *, other_is_up: bool = True) -> None:
    with client(pair.one.address) as asking:
        work_on(asking, first)
    if other_is_up:
        with client(pair.other.address) as asking:
            asking.headers["Authorization"] = f"Bearer {pair.credential}"
            work_on(asking, first + 1_000)


def told(agency: Agency) -> dict[str, dict[str, Any]]:
    """Everything that the agency's ledger has for its partner, by id."""
    settings, partners = agency.settings, read_partners(agency.home)
    events: dict[str, dict[str, Any]] = {}
    with Outbox(agency.url) as outbox:
        sender = sender_of(settings, partners, partners.partners[0])
        position, ended = 0, False
        while not ended:
            batch = outbox.batch(sender, exchange_key(settings), position)
            rows = [json.loads(one.body) for one in batch.events]
            events |= {row["id"]: row for row in rows}
            position, ended = batch.position_up_to, batch.is_last
    return events


def heard(agency: Agency, partner: Agency) -> list[tuple[str, dict[str, Any]]]:
    """Id and data of all that the agency's ledger holds of its partner."""
    with closing(open_ledger(agency.url, create=False)) as ledger:
        return [
            (event.event_id, event.payload.data)
            for event in ledger.read_source(f"partner:{partner.name}")
            if isinstance(event.payload, PartnerEventReceived)
        ]


def dead_letters(agency: Agency) -> list[store.DeadLetter]:
    with Outbox(agency.url) as outbox:
        return store.dead_letters(outbox.tables)


def wait_until(what: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not what():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.1)


def is_settled(pair: Pair) -> bool:
    one_told, other_told = told(pair.one), told(pair.other)
    return (
        len(heard(pair.other, pair.one)) >= len(one_told)
        and len(heard(pair.one, pair.other)) >= len(other_told)
        and marks_are_at_the_end(pair)
    )


def marks_are_at_the_end(pair: Pair) -> bool:
    for agency in (pair.one, pair.other):
        with Outbox(agency.url) as outbox:
            (partner,) = read_partners(agency.home).partners
            if store.mark_of(outbox.tables, partner.name).position < outbox.last_position():
                return False
    return True


def check_both_hold_the_same(pair: Pair) -> None:
    for teller, hearer in ((pair.one, pair.other), (pair.other, pair.one)):
        said, here = told(teller), heard(hearer, teller)
        assert len(here) == len({event_id for event_id, _ in here}), "each event once"
        assert dict(here) == {event_id: row["data"] for event_id, row in said.items()}
        assert dead_letters(teller) == []
        assert dump_of(state_at(hearer)) == dump_of(state_told(teller, said))


def state_at(hearer: Agency) -> Mapping[tuple[str, str], Subject]:
    with closing(open_ledger(hearer.url, create=False)) as ledger:
        return state_of(ledger.tail(0))


def state_told(
    teller: Agency, said: Mapping[str, dict[str, Any]]
) -> Mapping[tuple[str, str], Subject]:
    """What stands of all that the teller has, had it come in order and once."""
    subjects: dict[str, list[Told]] = defaultdict(list)
    for event_id, row in said.items():
        message = message_of(row["type"], row["data"])
        subjects[row["subject"]].append(Told(row["sequence"], event_id, message))
    return {(teller.name, name): standing_of(subjects[name]) for name in sorted(subjects)}


def go_through_everything(pair: Pair) -> None:
    """All is well; then the link is cut; then it is back and bad, and one of them is killed, and
    comes back; then the link is good."""
    both_work(pair, 1)
    wait_until(lambda: is_settled(pair))
    pair.to_one.mode = pair.to_other.mode = "cut"
    both_work(pair, 101)
    wait_until(lambda: problem_of(pair.one) is not None)
    raise_alert(pair.one)
    pair.to_one.mode = pair.to_other.mode = "bad"
    wait_until(lambda: pair.to_other.lost > 0)
    pair.servers[pair.other.name].kill()
    both_work(pair, 201, other_is_up=False)
    pair.servers[pair.other.name] = start(pair.other)
    both_work(pair, 301)
    wait_until(lambda: pair.to_other.repeated > 0)
    pair.to_one.mode = pair.to_other.mode = "good"
    wait_until(lambda: is_settled(pair))
    time.sleep(2.0)  # what was sent back to its origin would come now
    check_both_hold_the_same(pair)
    check_a_find_of_the_one_is_seen_by_the_other(pair)
    check_an_alert_of_the_one_is_met_at_the_other(pair)
    assert len(told(pair.one)) >= 4 * (4 + 4 + 5)


def check_an_alert_of_the_one_is_met_at_the_other(pair: Pair) -> None:
    moved = vehicle(5_002, haulier_eori=WATCHED, vehicle_reg="NEW 1")
    with client(pair.other.address) as asking:
        asking.headers["Authorization"] = f"Bearer {pair.credential}"
        (match,) = as_json(asking.post("/v1/scores", json=moved))["matches"]
    assert (match["by"], match["contact"], match["reason"]) == ("partner", "targeting desk", None)


def check_a_find_of_the_one_is_seen_by_the_other(pair: Pair) -> None:
    """On the haulier of vehicle 102, on which the one had a find."""
    moved = vehicle(5_001, haulier_eori=vehicle(102)["haulier_eori"])
    with client(pair.other.address) as asking:
        asking.headers["Authorization"] = f"Bearer {pair.credential}"
        found = as_json(asking.post("/v1/scores", json=moved))["matches"]
    assert {(match["by"], match["action"], match["contact"]) for match in found} == {
        ("partner", "inform", "border-force intelligence desk")
    }
    assert {match["reason"] for match in found} == {None}, "its handling is contact"


def problem_of(agency: Agency) -> str | None:
    with Outbox(agency.url) as outbox:
        (partner,) = read_partners(agency.home).partners
        return store.mark_of(outbox.tables, partner.name).problem


def test_two_agencies_hold_the_same_after_the_link_was_cut_and_bad(pair: Pair) -> None:
    go_through_everything(pair)
    with client(pair.one.address) as asking:
        metrics = asking.get("/metrics").text
        ready = as_json(asking.get("/readyz"))
    assert 'foreland_exchange_sent_total{status="taken"}' in metrics
    assert not [problem for problem in ready["problems"] if problem.startswith("exchange")]


@pytest.mark.slow
def test_postgres_two_agencies_hold_the_same(tmp_path: Path, postgres_server: str) -> None:
    with ExitStack() as stack:
        agencies = [
            found(name, tmp_path / name, new_database(postgres_server))
            for name in ("border-force", "nca")
        ]
        go_through_everything(make_pair(agencies[0], agencies[1], stack))
