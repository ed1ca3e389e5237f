"""The simulated border: its files keep the records' rules, its truth stays apart, it repeats."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from stdnum import imo, iso6346
from stdnum.gb import vat

from features.derivations import NOTES
from features.errors import ForelandError
from features.intake import declare
from features.keys import Keyring, PseudonymKey
from features.pseudonyms import Pseudonyms
from features.records import KINDS, NOT_LABELS, declared_fields, read_movement, read_outcome
from features.simulate import SimulationReport, simulate
from features.simulate.codes import (
    container_numbers,
    imo_numbers,
    iso6346_check,
    movement_reference_numbers,
    registrations,
    scatter,
)
from features.simulate.networks import NETWORKS
from features.simulate.parameters import FULL_SENSITIVITY, RegimeParameters

DAYS, PER_DAY, START = 150, 600, date(2025, 3, 1)
OUTCOME_COLUMNS = {
    "event_id", "movement_ref", "outcome", "examined_at", "known_at", "thoroughness",
    "selection_reason", "threat", "concealment", "corrects",
}  # fmt: skip
TRUTH_COLUMNS = {
    "movement_ref", "probability_of_find", "is_smuggling", "network", "threat", "concealment",
    "lorry_ref",
}  # fmt: skip
CARRIED_COLUMNS = {
    "vehicle": {"consignments", "carrying_vessel"},
    "vessel": set[str](),
    "shipment": {"carried_by", "means_of_transport_id", "transport_country"},
}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> SimulationReport:
    out = tmp_path_factory.mktemp("border") / "simulated"
    return simulate(out, seed=5, days=DAYS, movements_per_day=PER_DAY, start=START)


def truth_of(report: SimulationReport, kind: str) -> pd.DataFrame:
    return pd.read_parquet(report.out / "truth" / f"{kind}-truth.parquet").set_index("movement_ref")


def first_results(report: SimulationReport, kind: str) -> pd.DataFrame:
    outcomes = pd.read_parquet(report.outcomes[kind])
    return outcomes[outcomes.corrects.isna()]


def labelled(report: SimulationReport, kind: str) -> pd.DataFrame:
    outcomes = first_results(report, kind)
    return outcomes[~outcomes.outcome.isin(NOT_LABELS)]


def rows(path: Path, every: int) -> list[dict[str, Any]]:
    """Every so-many-th row with its missing fields left in as None, as a reader gives it."""
    return (
        pq.read_table(path).take(list(range(0, pq.read_metadata(path).num_rows, every))).to_pylist()
    )


def bytes_of(out: Path) -> dict[str, bytes]:
    return {str(p.relative_to(out)): p.read_bytes() for p in out.rglob("*") if p.is_file()}


@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_records(report: SimulationReport, kind: str) -> None:
    pseudonyms = Pseudonyms(Keyring([PseudonymKey(bytes(32))]))
    flags = 0
    sample = rows(report.movements[kind], 23)
    for row in sample:
        declared = declare(read_movement(kind, row), pseudonyms)
        flags += sum(not flag.startswith(NOTES) for flag in declared.flags)
    assert 0 < flags < 0.03 * len(sample), "a few mistyped digits, and no more"
    for row in rows(report.outcomes[kind], 3):
        read_outcome(row)


@pytest.mark.parametrize("kind", KINDS)
def test_files_hold_record_columns_and_no_truth(report: SimulationReport, kind: str) -> None:
    movements, outcomes = pq.ParquetFile(report.movements[kind]), report.outcomes[kind]
    fields = {"movement_ref", "declared_at", "version", *(f.name for f in declared_fields(kind))}
    columns = set(movements.schema_arrow.names)
    assert columns == fields | CARRIED_COLUMNS[kind]
    assert set(pq.read_schema(outcomes).names) == OUTCOME_COLUMNS
    truth = pq.read_schema(report.out / "truth" / f"{kind}-truth.parquet")
    assert set(truth.names) == TRUTH_COLUMNS
    for name in fields | OUTCOME_COLUMNS:
        assert name not in TRUTH_COLUMNS - {"movement_ref", "threat", "concealment"}


def test_nothing_else_is_written(report: SimulationReport) -> None:
    names = {str(path.relative_to(report.out)) for path in report.out.rglob("*") if path.is_file()}
    expected = {"simulation.json"}
    for kind in KINDS:
        expected |= {f"{kind}-movements.parquet", f"{kind}-outcomes.parquet"}
        expected |= {f"truth/{kind}-truth.parquet"}
    assert names == expected
    assert [path.name for path in report.out.parent.iterdir()] == [report.out.name]
    said = (report.out / "simulation.json").read_text()
    assert "network" not in said
    assert "smuggl" not in said


@pytest.mark.parametrize("kind", KINDS)
def test_files_are_marked_as_simulated(report: SimulationReport, kind: str) -> None:
    for path in (report.movements[kind], report.outcomes[kind]):
        schema = pq.read_schema(path)
        assert json.loads(schema.metadata[b"foreland.simulated"]) == {
            "scenario": "stationary",
            "seed": 5,
        }
        for name in ("declared_at", "arrives_at", "examined_at", "known_at"):
            if name in schema.names:
                assert str(schema.field(name).type) == "timestamp[us, tz=UTC]"


@pytest.mark.parametrize("kind", KINDS)
def test_the_report_counts_what_the_files_hold(report: SimulationReport, kind: str) -> None:
    counts = report.counts[kind]
    movements = pd.read_parquet(report.movements[kind], columns=["movement_ref", "version"])
    outcomes = pd.read_parquet(report.outcomes[kind])
    truth = truth_of(report, kind)
    assert (
        movements.movement_ref.nunique() == counts.movements == len(truth) == truth.index.nunique()
    )
    assert (movements.version == 1).sum() == counts.movements
    assert not movements.duplicated().any()
    assert outcomes.event_id.is_unique
    appeals = outcomes[outcomes.corrects.notna()]
    outcomes = outcomes[outcomes.corrects.isna()]
    assert len(outcomes) == counts.selections
    assert len(appeals) == counts.reversals
    assert outcomes.movement_ref.is_unique
    assert outcomes.movement_ref.isin(movements.movement_ref).all()
    assert (~outcomes.outcome.isin(NOT_LABELS)).sum() == counts.examinations
    assert (outcomes.outcome == "positive").sum() == counts.finds


@pytest.mark.parametrize("kind", KINDS)
def test_the_clocks_agree(report: SimulationReport, kind: str) -> None:
    movements = pd.read_parquet(report.movements[kind])
    arrives = movements.arrives_at
    assert (movements.declared_at[arrives.notna()] < arrives[arrives.notna()]).all()
    first = movements[movements.version == 1].set_index("movement_ref")
    second = movements[movements.version == 2].set_index("movement_ref")
    assert 0.01 < len(second) / len(first) < 0.03
    assert (second.declared_at > first.declared_at.loc[second.index]).all()
    day = pd.Timestamp(START, tz="UTC")
    landed = first.arrives_at.dropna()
    assert landed.min() >= day
    assert landed.max() < day + timedelta(days=DAYS)
    outcomes = first_results(report, kind).set_index("movement_ref")
    arrived = first.arrives_at.loc[outcomes.index]
    known = arrived.notna()
    wait = (outcomes.examined_at - arrived)[known]
    assert wait.min() > timedelta(0)
    assert wait.quantile(0.5) < timedelta(days=1)
    delay = outcomes.known_at - outcomes.examined_at
    assert delay.min() > timedelta(0)
    assert delay.quantile(0.5) < timedelta(hours=12)
    assert timedelta(days=30) < delay.max() <= timedelta(days=90)
    # the files end with the last day: who holds them cannot hold what was known later
    assert outcomes.known_at.max() < day + timedelta(days=DAYS)


def test_the_anchors_hold_over_all_kinds(report: SimulationReport) -> None:
    movements = sum(of.movements for of in report.counts.values())
    examined = sum(of.examinations for of in report.counts.values())
    finds = sum(of.finds for of in report.counts.values())
    selected = sum(of.selections for of in report.counts.values())
    assert movements == pytest.approx(DAYS * PER_DAY, rel=0.05)
    assert 0.025 < examined / movements < 0.036
    assert 0.045 < finds / examined < 0.095
    assert 0.02 < 1 - examined / selected < 0.12
    share = {kind: of.movements / movements for kind, of in report.counts.items()}
    assert share["vehicle"] == pytest.approx(0.55, abs=0.02)
    assert share["vessel"] == pytest.approx(0.15, abs=0.02)


@pytest.mark.parametrize("kind", KINDS)
def test_smuggling_is_rare_and_examinations_are_not_random(
    report: SimulationReport, kind: str
) -> None:
    truth = truth_of(report, kind)
    examined = truth.loc[labelled(report, kind).movement_ref]
    assert 0.003 < truth.is_smuggling.mean() < 0.010
    assert examined.is_smuggling.mean() > 3 * truth.is_smuggling.mean()
    reasons = set(pd.read_parquet(report.outcomes[kind]).selection_reason)
    assert reasons == {"risk", "rule", "random", "intelligence"}
    expected, n = truth.probability_of_find.mean() / FULL_SENSITIVITY, len(truth)
    error = np.sqrt(expected / n)
    assert truth.is_smuggling.mean() == pytest.approx(expected, abs=4 * error)


def test_examinations_miss_some_and_invent_nothing(report: SimulationReport) -> None:
    parts = []
    for kind in KINDS:
        of = labelled(report, kind).set_index("movement_ref")
        parts.append(of.join(truth_of(report, kind), rsuffix="_true"))
    examined = pd.concat(parts)
    found = examined.outcome == "positive"
    assert examined.is_smuggling[found].all()
    assert (examined.threat[found] == examined.threat_true[found]).all()
    carried = examined[examined.is_smuggling]
    sensitivity = (carried.outcome == "positive").groupby(carried.thoroughness).mean()
    assert sensitivity["document"] < sensitivity["scan"] < sensitivity["full"]
    assert 0.8 < sensitivity["full"] < 1.0


def test_the_four_outcomes_that_are_no_labels_happen(report: SimulationReport) -> None:
    outcomes = pd.concat([pd.read_parquet(path) for path in report.outcomes.values()])
    assert set(outcomes.outcome) == {"positive", "negative", *NOT_LABELS}
    lost = outcomes[outcomes.outcome.isin(NOT_LABELS)]
    assert set(lost.thoroughness) == {"unknown"}
    assert set(outcomes.thoroughness) == {"document", "scan", "partial", "full", "unknown"}


def test_tips_know_what_no_field_says(report: SimulationReport) -> None:
    """Intelligence finds more than the regime's rules and judgement: that signal is hidden."""
    found = pd.concat([labelled(report, kind) for kind in KINDS])
    rate = (found.outcome == "positive").groupby(found.selection_reason).mean()
    assert rate["intelligence"] > 2 * rate["risk"]
    assert rate["intelligence"] > rate["rule"] > rate["risk"]


def test_random_examinations_are_an_even_sample(report: SimulationReport) -> None:
    """The same share of every kind, whatever room its sites have."""
    for kind in KINDS:
        outcomes = pd.read_parquet(report.outcomes[kind])
        picked = outcomes[outcomes.selection_reason == "random"]
        n = report.counts[kind].movements
        share = RegimeParameters().random_share
        assert len(picked) == pytest.approx(n * share, abs=4 * np.sqrt(n * share))
        assert "insufficient_resources" not in set(picked.outcome)


def test_a_network_keeps_to_its_threat(report: SimulationReport) -> None:
    truth = pd.concat([truth_of(report, kind) for kind in KINDS])
    runs = truth[truth.is_smuggling & truth.network.notna()]
    favoured = runs.network.map(lambda number: NETWORKS[int(number)].threat)
    assert (runs.threat == favoured).mean() == pytest.approx(0.82, abs=0.06)
    assert {"small_boat_equipment", "clandestine_entry"} <= set(runs.threat)
    assert truth.threat[~truth.is_smuggling].isna().all()


def test_organisations_are_shared_by_the_kinds(report: SimulationReport) -> None:
    lorries = pd.read_parquet(report.movements["vehicle"])
    shipments = pd.read_parquet(report.movements["shipment"])
    both = set(lorries.consignee_eori.dropna()) & set(shipments.consignee_eori.dropna())
    assert len(both) > 50
    fronts = set(
        lorries.consignee_eori[
            lorries.movement_ref.map(truth_of(report, "vehicle").network).notna()
        ].dropna()
    )
    assert fronts & set(shipments.consignee_eori), "a front that imports both ways"
    assert set(lorries.haulier_eori.dropna()) & set(shipments.carrier_eori.dropna())


def test_optional_fields_are_sometimes_missing(report: SimulationReport) -> None:
    shipments = pd.read_parquet(report.movements["shipment"])
    assert 0.05 < shipments.consignor_eori.isna().mean() < 0.12
    assert shipments.consignee_eori.notna().all()
    assert 0.02 < pd.read_parquet(report.movements["vehicle"]).booked_at.isna().mean() < 0.06


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    first, again, other = (tmp_path / name for name in ("first", "again", "other"))
    for out, seed in ((first, 3), (again, 3), (other, 4)):
        simulate(out, seed=seed, days=16, movements_per_day=90)
    assert bytes_of(first) == bytes_of(again)
    assert len(bytes_of(first)) == 10
    for name, identity in (("movements", "movement_ref"), ("outcomes", "event_id")):
        for kind in KINDS:
            one, two = (
                set(pd.read_parquet(out / f"{kind}-{name}.parquet")[identity])
                for out in (first, other)
            )
            assert not one & two, "both fit into one ledger"


def test_one_movement_a_day_still_makes_every_file(tmp_path: Path) -> None:
    done = simulate(tmp_path / "tiny", days=1, movements_per_day=1)
    for kind in KINDS:
        names = set(pq.read_schema(done.movements[kind]).names)
        assert {"movement_ref", "declared_at", "arrives_at"} <= names
        assert set(pq.read_schema(done.outcomes[kind]).names) == OUTCOME_COLUMNS


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"scenario": "calm"}, "scenario must be one of: stationary, drift, adaptive, new_tactic"),
        ({"scenario": "calm"}, "poisoned_feedback, feed_gap; not 'calm'"),
        ({"days": 0}, "days must be 1 to"),
        ({"days": -3}, "not -3"),
        ({"movements_per_day": 0}, "movements_per_day must be 1 to"),
        ({"seed": -1}, "seed must be 0 to"),
    ],
)
def test_a_wrong_argument_is_one_line(wrong: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(ForelandError) as refused:
        simulate(tmp_path / "out", **wrong)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not list(tmp_path.iterdir())


def small(out: Path, progress: Callable[[int], None] | None = None) -> SimulationReport:
    return simulate(out, days=8, movements_per_day=20, progress=progress)


def test_only_an_earlier_simulation_is_replaced(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    small(out)
    before = (out / "simulation.json").read_bytes()
    (out / "left-over").touch()
    small(out)
    assert (out / "simulation.json").read_bytes() == before
    assert not (out / "left-over").exists()
    for foreign, text in (("notes.txt", "mine"), ("simulation.json", "[]")):
        other = tmp_path / foreign.partition(".")[0]
        other.mkdir()
        (other / foreign).write_text(text)
        with pytest.raises(ForelandError, match="holds something other than an earlier simulation"):
            small(other)
        assert (other / foreign).read_text() == text
    with pytest.raises(ForelandError, match="is a file"):
        small(out / "simulation.json")


def test_an_interrupted_run_leaves_nothing_and_keeps_the_earlier(tmp_path: Path) -> None:
    def interrupt(days: int) -> None:
        raise KeyboardInterrupt(days)

    with pytest.raises(KeyboardInterrupt):
        small(tmp_path / "out", interrupt)
    assert not list(tmp_path.iterdir())
    small(tmp_path / "out")
    before = bytes_of(tmp_path / "out")
    with pytest.raises(KeyboardInterrupt):
        small(tmp_path / "out", interrupt)
    assert bytes_of(tmp_path / "out") == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_progress_adds_up_to_the_days(tmp_path: Path) -> None:
    heard: list[int] = []
    small(tmp_path / "out", heard.append)
    assert heard == [7, 1]


def test_check_digits_are_those_of_their_standards() -> None:
    rng = np.random.default_rng(0)
    assert all(imo.is_valid(text) for text in imo_numbers(rng, 300).to_pylist())
    assert all(iso6346.is_valid(text) for text in container_numbers(rng, 300).to_pylist())
    british = registrations(rng, ["GB"] * 300).to_pylist()
    assert all(vat.is_valid(str(text)[2:11]) and str(text)[11:] == "000" for text in british)
    assert len(set(british)) == 300
    csqu = np.frombuffer(b"CSQU305438", dtype=np.uint8).reshape(1, -1)
    assert iso6346_check(csqu).tolist() == [3]  # the standard's own example, CSQU 305438 3


def test_references_do_not_repeat_and_an_mrn_closes() -> None:
    counter = np.arange(50_000, dtype=np.int64)
    assert np.unique(scatter(counter, 36**8, 17)).size == counter.size
    number = str(movement_reference_numbers(counter[:1], np.array([2025]), 42).to_pylist()[0])
    assert len(number) == 18
    assert number.startswith("25GBSIM00")
    body = np.frombuffer(number[:17].encode(), dtype=np.uint8).reshape(1, -1)
    assert int(number[17]) == iso6346_check(body)[0]
