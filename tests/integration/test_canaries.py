"""A hundred plain identifiers go in by every way there is; none is found anywhere under the home.

Files are searched as they lie on disk, write-ahead logs included, after a server was killed in
mid-work; and what is sealed there is opened and searched too, or the seals would pass the test.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.ledger import open_ledger
from features.retention import erased_so_far
from features.simulate import simulate
from serving.audit import read_assessments, read_one
from tests.command import runner
from tests.integration.small_border import Server, client

PLANTED = 100
IDENTIFIERS = {
    "vehicle": ("haulier_eori", "consignor_eori", "consignee_eori", "vehicle_reg", "trailer_reg"),
    "vessel": ("hull_id", "operator_eori", "agent_eori"),
    "shipment": ("declarant_eori", "consignor_eori", "consignee_eori", "carrier_eori"),
}

RETENTION = """
[[rule]]
name = "early vehicles that nobody examined"
kind = "vehicle"
outcome = "unlabelled"
older_than_days = 600
"""


class Life(NamedTuple):
    """A home in which everything has been done once, and what was planted on the way."""

    home: Path
    planted: list[str]
    answers: list[httpx.Response]
    after_the_kill: dict[str, bool]
    """File name to whether anything planted was in it, before anybody tidied up."""


class Canaries:
    def __init__(self) -> None:
        self.planted: list[str] = []

    def one(self) -> str:
        """Letters and digits, so that no spelling of it differs by more than case."""
        self.planted.append(f"CANARY{len(self.planted):03d}QXZ")
        return self.planted[-1]


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    folder = tmp_path_factory.mktemp("canaries")
    canaries = Canaries()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORELAND_HOME", str(folder / "home"))
        patch.setenv("FORELAND_LOG_REQUESTS", "all")
        patch.chdir(folder)
        _by_files(folder, canaries, patch)
        (folder / "home" / "retention.toml").write_text(RETENTION)
        _command(patch, "retain")
        _train_and_promote(patch)
        answers = _by_the_api(folder / "home", canaries)
        after_the_kill = {
            path.name: _is_planted(path.read_bytes()) for path in _files(folder / "home")
        }
        _command(patch, "report")
        scored: str = answers[0].json()["movement_ref"]
        held = ("--hold", scored, "--kind", "vehicle", "--reason", "court order")
        _command(patch, "retain", *held)
        _command(patch, "retain", "--holds")
        yield Life(folder / "home", canaries.planted, answers, after_the_kill)


def _command(patch: pytest.MonkeyPatch, *arguments: str) -> None:
    done = runner(patch)(*arguments)
    assert done.status == 0, (arguments, done.error)


def _by_files(folder: Path, canaries: Canaries, patch: pytest.MonkeyPatch) -> None:
    """Good rows, refused rows, rows that conflict, outcomes; for each kind."""
    simulate(folder / "files", seed=5, days=220, movements_per_day=120)
    for kind, fields in IDENTIFIERS.items():
        path = folder / "files" / f"{kind}-movements.parquet"
        rows = pq.read_table(path)
        columns = {name: rows[name].to_pylist() for name in rows.column_names}
        for place, field in enumerate(fields):
            columns[field][place] = canaries.one()
        columns["movement_ref"][10] = canaries.one()
        for place, field in enumerate(2 * fields, start=20):  # refused, with all that they name
            columns["movement_ref"][place] = canaries.one()
            columns[field][place] = canaries.one() * 30  # far too long
        mass = "gross_mass_kg" if kind != "vessel" else "gross_tonnage"
        columns["movement_ref"][40] = canaries.one()
        columns[mass][40] = -1.0
        pq.write_table(pa.table(columns, schema=rows.schema), path)
        outcomes = folder / "files" / f"{kind}-outcomes.parquet"
        table = pq.read_table(outcomes)
        ids = table["event_id"].to_pylist()
        ids[0] = canaries.one()
        place = table.schema.get_field_index("event_id")
        pq.write_table(table.set_column(place, "event_id", pa.array(ids)), outcomes)
        arguments = ("--kind", kind, "--movements", str(path), "--outcomes", str(outcomes))
        _command(patch, "ingest", *arguments)
        columns[mass][10] = 777.0  # says otherwise about a canary
        pq.write_table(pa.table(columns, schema=rows.schema), path)
        _command(patch, "ingest", *arguments)
    assert list((folder / "home" / "rejects").glob("*.csv")), "the refused rows are listed"


def _train_and_promote(patch: pytest.MonkeyPatch) -> None:
    _command(patch, "train", "--kind", "vehicle")
    for approver in ("A. Ahmed", "B. Brown"):
        _command(patch, "promote", "--kind", "vehicle", "--version", "1", "--approver", approver)


def _by_the_api(home: Path, canaries: Canaries) -> list[httpx.Response]:
    """Scored, scored again, refused in every way, and examined; then the server is killed."""
    server = Server(home)
    try:
        server.wait_until_ready()
        with client(server.url) as asking:
            answers = [_post(asking, "/v1/scores?explain=always", _vehicle(canaries))]
            answers += [
                _post(asking, "/v1/scores", {**_vehicle(canaries), **wrong})
                for wrong in (
                    {"vehicle_reg": canaries.one() * 20},
                    {canaries.one(): 1},
                    {"route_id": f"<{canaries.one()}>"},
                    {"driver_name": canaries.one()},
                    {"declared_at": canaries.one()},
                )
            ]
            answers.append(asking.get(f"/v1/scores/{canaries.one()}"))
            answers.append(asking.get("/v1/models", params={canaries.one(): "1"}))
            outcome = {
                "kind": "vehicle",
                "event_id": canaries.one(),
                "movement_ref": canaries.one(),
                "outcome": "negative",
                "examined_at": "2026-03-01T10:00:00Z",
            }
            answers.append(_post(asking, "/v1/outcomes", outcome))
            answers.append(_post(asking, "/v1/outcomes", {**outcome, "outcome": "positive"}))
            answers += _refused_for_their_form(asking, canaries)
            answers.append(asking.get("/metrics"))
    finally:
        server.kill()
    statuses = [answer.status_code for answer in answers]
    for_their_form = [400, 400, 400, 400, 404, 404, 405, 415, 415, 422]
    assert statuses == [200, 422, 422, 422, 422, 422, 404, 400, 200, 409, *for_their_form, 200]
    return answers


def _refused_for_their_form(asking: httpx.Client, canaries: Canaries) -> list[httpx.Response]:
    """What was planted is in a name, a header, a path, a query, or in half of a body."""
    scores, kept = "/v1/scores", {"X-Request-Id": canaries.one()}
    one, kind, key, torn = canaries.one(), canaries.one(), canaries.one(), canaries.one()
    twice = f'{{"kind": "vehicle", "{key}": 1, "{key}": 2}}'
    as_json = {"Content-Type": "application/json"}
    return [
        asking.post(scores, content=twice, headers=as_json | kept),
        asking.post(scores, content=f'{{"movement_ref": "{torn}', headers=as_json),
        asking.delete(f"/v1/movements/{one}", params={"kind": kind}),
        asking.post(scores, json={}, headers={"Idempotency-Key": canaries.one() * 20}),
        asking.get(f"/v1/scores/{canaries.one()}", headers={"Authorization": canaries.one()}),
        asking.get(f"/{canaries.one()}", headers={"User-Agent": canaries.one()}),
        asking.put(f"/v1/scores/{canaries.one()}"),
        asking.post(scores, content=b"{}", headers={"Content-Type": f"a/{canaries.one()}"}),
        asking.post(scores, content=b"{}", headers=as_json | {"Content-Encoding": canaries.one()}),
        _post(asking, "/v1/outcomes", {"kind": "vehicle", canaries.one(): canaries.one()}),
    ]


def _vehicle(canaries: Canaries) -> dict[str, Any]:
    return {
        "kind": "vehicle",
        "movement_ref": canaries.one(),
        "declared_at": "2026-03-01T09:30:00Z",
        "route_id": "DUN-DVR",
        "haulier_eori": canaries.one(),
        "vehicle_reg": canaries.one(),
        "trailer_reg": canaries.one(),
        "container_no": canaries.one(),
    }


def _post(asking: httpx.Client, path: str, body: dict[str, Any]) -> httpx.Response:
    return asking.post(path, json=body)


def test_a_hundred_plain_identifiers_are_nowhere_under_the_home(life: Life) -> None:
    assert len(set(life.planted)) >= PLANTED
    assert "ledger.db-wal" in life.after_the_kill, "the write-ahead log is searched too"
    assert not [name for name, planted in life.after_the_kill.items() if planted]
    files = _files(life.home)
    assert {"ledger.db", "mlflow.db", "pseudonym.key"} <= {path.name for path in files}
    assert any(path.suffix == ".html" for path in files), "the report is searched too"
    found = {path for path in files if _is_planted(path.read_bytes())}
    assert not found
    assert not [path for path in files if _is_planted(str(path).encode())]


def test_nor_in_what_is_sealed_there(life: Life) -> None:
    opened = list(_opened(life.home))
    assert any(b"DUN-DVR" in text for text in opened), "the search does find things"
    assert len(opened) > 1_000
    assert not [text for text in opened if _is_planted(text)]


def test_what_is_searched_for_is_found_where_it_is(tmp_path: Path) -> None:
    """The negative control."""
    (tmp_path / "log").write_text("vehicle canary007qxz was refused")
    assert _is_planted((tmp_path / "log").read_bytes())
    assert _is_planted("CANARY".encode("utf-16-le"))


def test_a_training_record_says_what_retention_had_erased(life: Life) -> None:
    with closing(open_ledger(f"sqlite:///{life.home / 'ledger.db'}")) as ledger:
        (erased,) = erased_so_far(ledger)
        assert ledger.verify().erased == erased.events
    assert (erased.kind, erased.rule) == ("vehicle", "early vehicles that nobody examined")
    assert 1_000 < erased.movements < erased.events, "some had two versions"
    card = (life.home / "bundles" / "vehicle-1" / "card.md").read_text()
    assert (
        "Retention had erased from the ledger before:\n\n"
        f"- {erased.movements:,} movements of kind vehicle by the rule {erased.rule!r}.\n"
    ) in card
    with closing(sqlite3.connect(life.home / "mlflow.db")) as store:
        found = store.execute("SELECT value FROM params WHERE key = 'erased.events'").fetchall()
    assert found == [(str(erased.events),)]


def test_a_refusal_does_not_repeat_an_identifier(life: Life) -> None:
    """A problem document is logged by clients; neither a value nor an unknown key is in it."""
    refused = [answer for answer in life.answers if answer.status_code >= 400]
    assert len(refused) > 15
    for answer in refused:
        assert not _is_planted(answer.content), answer.text
        assert not _is_planted(repr(answer.headers).encode()), answer.headers


def test_nor_do_the_metrics_and_the_lines_about_every_request(life: Life) -> None:
    metrics = life.answers[-1]
    assert "foreland_problems_total" in metrics.text
    assert not _is_planted(metrics.content)
    (log,) = life.home.glob("serve-*.log")
    said = log.read_text()
    assert said.count('"event":"request"') >= len(life.answers)
    assert not _is_planted(said.encode())


def _files(home: Path) -> list[Path]:
    return [path for path in home.rglob("*") if path.is_file()]


def _opened(home: Path) -> Iterator[bytes]:
    url = f"sqlite:///{home / 'ledger.db'}"
    with closing(open_ledger(url)) as ledger:
        for event in ledger.tail(0):
            yield msgspec.json.encode(event)
    for score_id in read_assessments(url)["score_id"]:
        recorded = read_one(url, score_id)
        assert recorded is not None
        yield recorded.body or b""


def _is_planted(content: bytes) -> bool:
    upper = content.upper()
    return b"CANARY" in upper or "CANARY".encode("utf-16-le") in upper
