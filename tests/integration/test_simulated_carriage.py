"""Simulated lorries and shipments through ingest: the ledger joins what the files say."""

from contextlib import closing

import pandas as pd
import pytest

from features.files.mapping import read_mapping
from features.ingest import ingest
from features.keys import Keyring, PseudonymKey
from features.ledger import MovementDeclared, open_ledger
from features.pseudonyms import Pseudonyms
from features.simulate import SimulationReport, simulate

PSEUDONYMS = Pseudonyms(Keyring([PseudonymKey(bytes(32))]))
Declared = dict[str, list[MovementDeclared]]
"""Pseudonym of a movement to its versions in order."""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> SimulationReport:
    out = tmp_path_factory.mktemp("border") / "simulated"
    return simulate(out, seed=4, days=20, movements_per_day=300)


@pytest.fixture(scope="module")
def declared(
    report: SimulationReport, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Declared]:
    found: dict[str, Declared] = {}
    for kind in ("vehicle", "shipment"):
        url = f"sqlite:///{tmp_path_factory.mktemp('ledger') / kind}.db"
        with closing(open_ledger(url)) as ledger:
            movements = report.movements[kind]
            done = ingest(ledger, kind, movements, None, read_mapping(None, kind), PSEUDONYMS)
            assert done.rejected_rows == 0
            of_kind: Declared = {}
            for event in ledger.tail(0):
                assert isinstance(event.payload, MovementDeclared)
                of_kind.setdefault(event.payload.movement, []).append(event.payload)
            found[kind] = of_kind
    return found


def rows(report: SimulationReport, kind: str) -> pd.DataFrame:
    table = pd.read_parquet(report.movements[kind])
    return table[table.version == 1].set_index("movement_ref")


def test_a_lorry_refers_to_its_shipments_by_their_own_pseudonyms(
    report: SimulationReport, declared: dict[str, Declared]
) -> None:
    listed = rows(report, "vehicle").consignments.dropna()
    assert len(listed) > 200
    assert listed.map(len).max() > 1
    for ref, consignments in listed.items():
        for lorry in declared["vehicle"][PSEUDONYMS.movement("vehicle", str(ref))]:
            referred = lorry.references["consignments"]
            assert referred == tuple(PSEUDONYMS.movement("shipment", c) for c in consignments)
            assert set(referred) <= declared["shipment"].keys(), "every one of them is declared"


def test_a_shipment_refers_to_its_lorry_and_to_the_mark_of_it(
    report: SimulationReport, declared: dict[str, Declared]
) -> None:
    named = rows(report, "shipment").carried_by.dropna()
    assert len(named) > 200
    by_mark = 0
    for ref, said in named.items():
        lorry = PSEUDONYMS.movement("vehicle", said["movement_ref"])
        (crossing, *_) = declared["vehicle"][lorry]
        for shipment in declared["shipment"][PSEUDONYMS.movement("shipment", str(ref))]:
            assert shipment.references["carried_by"] == (lorry,)
            mark = crossing.entities.get("vehicle_reg")
            if mark is not None and "means_of_transport_id" in shipment.references:
                assert shipment.references["means_of_transport_id"] == (mark,)
                by_mark += 1
    assert by_mark > 50


def test_only_the_lorry_or_only_the_shipment_may_say_it(declared: dict[str, Declared]) -> None:
    listed = {
        (shipment, ref)
        for ref, versions in declared["vehicle"].items()
        for shipment in versions[0].references.get("consignments", ())
    }
    named = {
        (ref, lorry)
        for ref, versions in declared["shipment"].items()
        for lorry in versions[0].references.get("carried_by", ())
    }
    for pairs in (listed & named, listed - named, named - listed):
        assert len(pairs) > 30
    assert len(dict(listed | named)) == len(listed | named), "one lorry a shipment"
