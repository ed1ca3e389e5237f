"""What goes by column says and leaves behind what goes row by row does, whatever is among it."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import serving.batch_scoring
import serving.wire.batch
from features.clock import now_micros
from features.intake import declare
from features.intake_columns import DeclaredTogether
from features.pseudonyms import Pseudonyms
from features.records import Movement
from features.settings import Settings
from models.bundle import Bundle
from models.policies import AtBands
from serving.audit import read_assessments, read_one
from serving.openapi import MOVEMENT_EXAMPLES
from serving.slices import Slices
from serving.wire.together import FlatColumns
from tests.app_client import AppClient
from tests.integration.small_border import RISKY_HAULIER, RISKY_ROUTE, vehicle
from tests.integration.test_batch_as_alone import PATH, asking, served

__all__ = ["served"]

ID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}")
ARROW = "application/vnd.apache.arrow.stream"
ODD: list[dict[str, Any]] = [
    vehicle(1),  # again, in the place of
    vehicle(2, gross_mass_kg=1),  # another content
    vehicle(300, version=2),
    vehicle(301, vehicle_reg="---", haulier_eori="n/a"),
    vehicle(302, vehicle_reg="АВ 12 CDE", gross_mass_kg=44_500),
    vehicle(303, gross_mass_kg=None, route_id=None),
    vehicle(304, movement_ref=' "%s" 100 %, \u00e9 '.strip()),
    vehicle(305, movement_ref="SANDBOX-HIGH"),
    vehicle(306, gross_mass_kg="5"),
    vehicle(307, hauler=1),
    vehicle(308, seals=["1"]),
    vehicle(309, attributes={"lane": "A"}),
    vehicle(310, departs_at="2026-03-01T10:00", departure_port="GBDVR"),
    vehicle(311, departs_at="2026-03-01T10:00:00+01:00", is_unaccompanied=False),
    MOVEMENT_EXAMPLES["vessel"],
    MOVEMENT_EXAMPLES["shipment"],
    {"kind": "vehicle", "movement_ref": "bare", "declared_at": "2026-03-01T10:00:00Z"},
]
PLAIN = [
    vehicle(number, route_id=RISKY_ROUTE, haulier_eori=RISKY_HAULIER)
    if number % 7 == 0
    else vehicle(number)
    for number in range(120)
]
MIXED = [*PLAIN[:60], *ODD, *PLAIN[60:]]


def row_by_row(movements: Mapping[int, Movement], pseudonyms: Pseudonyms) -> DeclaredTogether:
    return DeclaredTogether([], {at: declare(m, pseudonyms) for at, m in movements.items()})


def both_ways(
    served: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    bodies: Sequence[bytes],
    form: str,
) -> list[tuple[list[bytes], list[Any], str]]:
    """Answers, what is recorded and the counters, less the ids, of the two ways; at one instant."""
    at = now_micros() + 1_000_000_000

    async def instant(slices: Slices) -> int:
        await slices._knowledge.follow()
        slices._knowledge.history.apply_before(at)
        return at

    monkeypatch.setattr(Slices, "instant", instant)
    monkeypatch.setattr(AtBands, "exploration", 0.25)
    monkeypatch.setattr(serving.batch_scoring, "ROWS_PER_COMMIT", 16)
    monkeypatch.setattr(serving.batch_scoring, "ROWS_AT_ONCE", 50)
    found = []
    for name in ("columns", "rows"):
        if name == "rows":
            monkeypatch.setattr(serving.batch_scoring, "declare_together", row_by_row)
            monkeypatch.setattr(FlatColumns, "read", lambda *_: None)
            monkeypatch.setattr(serving.wire.batch, "read_score_requests", lambda _: None)
        with asking(served, tmp_path / name) as client:
            said = [posted(client, body, form) for body in bodies]
            counters = [
                line
                for line in client.get("/metrics").text.splitlines()
                if line.startswith(("foreland_scores_total", "foreland_replays_total"))
            ]
        found.append((said, recorded(tmp_path / name), "\n".join(sorted(counters))))
    return found


def posted(client: AppClient, body: bytes, form: str) -> bytes:
    response = client.request("POST", PATH, content=body, headers={"Content-Type": form})
    assert response.status_code == 200, response.text
    return ID.sub(b"ID", response.content)


def recorded(home: Path) -> list[Any]:
    url = Settings(home=home).ledger
    found = []
    for score_id in read_assessments(url)["score_id"]:
        one = read_one(url, score_id)
        assert one is not None
        assert one.body is not None
        body = ID.sub(b"ID", one.body)
        found.append(one._replace(score_id="ID", available_at=0, body=body))
    return found


@pytest.mark.parametrize("form", ["application/json", "application/x-ndjson"])
def test_rows_of_json_say_the_same_either_way(
    served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    lines = form.endswith("ndjson")
    bodies = [
        b"\n".join(json.dumps(row).encode() for row in rows) if lines else json.dumps(rows).encode()
        for rows in (MIXED, PLAIN[:40] + MIXED[50:90], PLAIN)
    ]
    columns, rows = both_ways(served, tmp_path, monkeypatch, bodies, form)
    assert columns == rows
    (said, *_), kept, counters = columns
    assert all(reason in said for reason in (b'"risk"', b'"exploration"', b'"none"'))
    assert b'"band":"high"' in said
    assert len(kept) > len(PLAIN)
    assert 'replays_total{kind="vehicle"}' in counters


def test_rows_of_a_table_say_the_same_either_way(
    served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flat = [{**row, "attributes": None, "seals": None} for row in MIXED if "hauler" not in row]
    flat = [row for row in flat if not isinstance(row.get("gross_mass_kg"), str)]
    names = ["kind", "movement_ref", "declared_at", "version", "route_id", "haulier_eori"]
    names += ["vehicle_reg", "gross_mass_kg", "departs_at", "departure_port", "is_unaccompanied"]
    table = pa.table({name: [row.get(name) for row in flat] for name in names})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    bodies = [sink.getvalue().to_pybytes()] * 2
    columns, rows = both_ways(served, tmp_path, monkeypatch, bodies, ARROW)
    assert columns == rows


def test_where_the_model_gives_no_number_rows_are_answered_one_by_one(
    served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And those of the same part with them, by the same words."""
    probabilities = Bundle.probabilities

    def broken(bundle: Bundle, rows: Any) -> Any:
        found = probabilities(bundle, rows)
        mass = bundle.catalogue.names.index("gross_mass_kg")
        return np.where(rows[:, mass] == 9000.0, np.nan, found)

    monkeypatch.setattr(Bundle, "probabilities", broken)
    body = json.dumps(PLAIN).encode()
    columns, rows = both_ways(served, tmp_path, monkeypatch, [body], "application/json")
    assert columns == rows
    assert columns[0][0].count(b"model_failed") == 1
