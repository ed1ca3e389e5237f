"""Simulated lorries and the declared shipments on them: one world, told by two files."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.simulate import SimulationReport, simulate
from features.simulate.carriage import Cargo, one_truth
from features.simulate.codes import Bools, Floats, Ints
from features.simulate.course import Course
from features.simulate.parameters import FULL_SENSITIVITY, CarriageParameters, scenario_named
from features.simulate.shipments import UNITS_PER_GBP
from features.simulate.sites import SITES
from features.simulate.smuggling import Truth
from features.simulate.vehicle_traffic import TARE_KG
from features.simulate.world import HONEST, NOBODY

PARAMETERS = CarriageParameters()
ACCOMPANIED, UNACCOMPANIED = "10", "11"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> SimulationReport:
    out = tmp_path_factory.mktemp("border") / "simulated"
    return simulate(out, seed=6, days=120, movements_per_day=2_000, start=date(2025, 3, 1))


def movements(report: SimulationReport, kind: str, version: int = 1) -> pd.DataFrame:
    table = pd.read_parquet(report.movements[kind])
    truth = pd.read_parquet(report.out / "truth" / f"{kind}-truth.parquet")
    table = table[table.version == version].merge(
        truth, on="movement_ref", validate="one_to_one", suffixes=("", "_true")
    )
    return table.set_index("movement_ref", drop=False)


@pytest.fixture(scope="module")
def lorries(report: SimulationReport) -> pd.DataFrame:
    return movements(report, "vehicle")


@pytest.fixture(scope="module")
def carried(report: SimulationReport, lorries: pd.DataFrame) -> pd.DataFrame:
    """A row a shipment that truly lies on a lorry; the columns of the lorry begin with lorry_."""
    shipments = movements(report, "shipment")
    shipments = shipments[shipments.lorry_ref.notna()]
    of_lorry = lorries.drop(columns="lorry_ref").add_prefix("lorry_")
    return shipments.join(of_lorry, on="lorry_ref")


def loads(carried: pd.DataFrame) -> pd.Series:
    return carried.groupby("lorry_ref").size()


def test_a_shipment_comes_where_and_when_its_lorry_does(carried: pd.DataFrame) -> None:
    assert len(carried) > 5_000
    timed = carried[carried.arrives_at.notna()]
    assert (timed.arrives_at == timed.lorry_arrives_at).all()
    assert (timed.declared_at < timed.arrives_at).all()
    assert (carried.office == carried.lorry_route_id.str[-5:]).all()
    assert set(carried.lorry_direction) == {"UK_INBOUND"}
    assert not carried.lorry_is_empty.astype(bool).any()
    alone = carried.mode_at_border == UNACCOMPANIED
    assert set(carried.mode_at_border) == {ACCOMPANIED, UNACCOMPANIED}
    assert (alone == carried.lorry_is_unaccompanied).all()
    known = carried.carrier_eori.notna()
    assert (carried.carrier_eori == carried.lorry_haulier_eori)[known].all()
    named = carried.means_of_transport_id.notna()
    assert named.mean() == pytest.approx(0.9, abs=0.02)
    marks = carried[named & ~alone]
    assert (marks.means_of_transport_id == marks.lorry_vehicle_reg).all()
    assert (marks.transport_country == marks.lorry_vehicle_country).all()
    ferries = carried[named & alone & carried.lorry_carrying_vessel.notna()]
    assert (ferries.means_of_transport_id == ferries.lorry_carrying_vessel).all()
    boxed = carried[carried.lorry_container_no.notna()]
    assert (boxed.container_no == boxed.lorry_container_no).all()


def test_the_shuttle_is_no_ship_and_a_ferry_no_vessel_movement(
    report: SimulationReport, lorries: pd.DataFrame
) -> None:
    by_train = lorries.route_id.str.contains("GBFOL")
    assert lorries.carrying_vessel[by_train].isna().all()
    assert lorries.carrying_vessel[~by_train].notna().mean() == pytest.approx(0.85, abs=0.01)
    arriving = set(pd.read_parquet(report.movements["vessel"], columns=["imo"]).imo.dropna())
    assert not arriving & set(lorries.carrying_vessel.dropna())


def test_either_both_or_neither_say_who_carries_whom(
    lorries: pd.DataFrame, carried: pd.DataFrame
) -> None:
    lists = {ref: set(of) for ref, of in lorries.consignments.dropna().items()}
    listed = np.array([ref in lists.get(on, ()) for ref, on in carried.lorry_ref.items()])
    named = carried.carried_by.notna().to_numpy()
    for is_listed, is_named in ((True, True), (True, False), (False, True), (False, False)):
        expected = abs((not is_listed) - PARAMETERS.vehicle_lists_share)
        expected *= abs((not is_named) - PARAMETERS.shipment_names_share)
        share = ((listed == is_listed) & (named == is_named)).mean()
        assert share == pytest.approx(expected, abs=0.02)
    assert sum(map(len, lists.values())) == listed.sum(), "nobody lists what is not on board"
    for said, lorry in zip(carried.carried_by[named], carried.lorry_ref[named], strict=True):
        assert said == {"kind": "vehicle", "movement_ref": lorry}


def test_a_lorry_has_one_full_load_or_a_few_of_several_traders(carried: pd.DataFrame) -> None:
    n = loads(carried)
    assert 0.75 < (n == 1).mean() < 0.92
    honest = carried[carried.network.isna()]
    assert loads(honest).max() <= PARAMETERS.groupage_most_places
    several = carried[carried.lorry_ref.map(n) > 1]
    assert (several.groupby("lorry_ref").consignee_eori.nunique() > 1).mean() > 0.95
    shared_kg = honest.gross_mass_kg[honest.lorry_ref.map(n) > 1].dropna()
    assert shared_kg.max() <= PARAMETERS.groupage_most_kg


def test_a_full_load_is_what_its_lorry_says(carried: pd.DataFrame) -> None:
    one = carried[carried.lorry_ref.map(loads(carried)) == 1]
    full = one[(one.consignee_eori == one.lorry_consignee_eori) & one.network.isna()]
    assert len(full) / len(one) > 0.9, "the others share a lorry with what nobody declared"
    both = full[full.lorry_commodity_code.notna()]
    # nearly all: beside undeclared goods the consignee is the same by chance
    assert (both.commodity_code.str[:4] == both.lorry_commodity_code).mean() > 0.99
    both = full.dropna(subset=["gross_mass_kg", "lorry_gross_mass_kg"])
    assert np.isclose(both.lorry_gross_mass_kg, TARE_KG + both.gross_mass_kg).mean() > 0.99
    both = full.dropna(subset=["invoice_amount", "lorry_value_gbp"])
    pounds = both.invoice_amount / both.currency.map(UNITS_PER_GBP)
    assert np.isclose(both.lorry_value_gbp, pounds, atol=0.006).mean() > 0.99


def test_no_lorry_weighs_or_costs_less_than_what_is_on_it(carried: pd.DataFrame) -> None:
    together = carried.groupby("lorry_ref").agg(
        goods_kg=("gross_mass_kg", "sum"), lorry_kg=("lorry_gross_mass_kg", "first")
    )
    together = together[together.lorry_kg.notna()]
    assert (together.lorry_kg + 0.051 >= TARE_KG + together.goods_kg).all()


def test_fronts_use_lorries_of_their_own_network_and_hide_in_honest_groupage(
    carried: pd.DataFrame,
) -> None:
    of_front = carried[carried.network.notna()]
    own = of_front[of_front.lorry_network == of_front.network]
    hidden = of_front[of_front.lorry_network.isna()]
    assert len(own) > 20
    assert len(hidden) > 50
    assert (hidden.consignee_eori != hidden.lorry_consignee_eori).mean() > 0.99
    shared = hidden[hidden.lorry_ref.map(loads(carried)) > 1]
    assert len(shared) > 0.9 * len(hidden), "beside honest consignments"


def test_what_a_consignment_hides_is_on_board_its_lorry(carried: pd.DataFrame) -> None:
    assert carried.is_smuggling.sum() > 20
    loaded = carried[carried.is_smuggling]
    assert loaded.lorry_is_smuggling.all()
    alone = loaded[~loaded.lorry_ref.duplicated(keep=False)]
    assert (alone.threat == alone.lorry_threat).all()
    assert (carried.lorry_probability_of_find >= carried.probability_of_find - 1e-12).all()
    own = carried[carried.lorry_network.notna() & (carried.lorry_network == carried.network)]
    runs = own.groupby("lorry_ref").agg(
        lorry=("lorry_is_smuggling", "first"), goods=("is_smuggling", "any")
    )
    others = carried[carried.lorry_ref.isin(runs.index)].groupby("lorry_ref").is_smuggling.any()
    assert (runs.lorry == others).all(), "a run is in one of the consignments"
    assert runs.lorry.sum() > 5


def test_an_amended_lorry_keeps_its_consignments(
    report: SimulationReport, lorries: pd.DataFrame
) -> None:
    again = movements(report, "vehicle", version=2)
    again = again[again.consignments.notna()]
    assert len(again) > 50
    for ref, consignments in zip(again.movement_ref, again.consignments, strict=True):
        assert list(consignments) == list(lorries.consignments[ref])
    shipments = movements(report, "shipment", version=2)
    named = shipments[shipments.carried_by.notna()]
    assert (named.lorry_ref == named.carried_by.map(lambda of: of["movement_ref"])).all()


def fronts_by(lorries: pd.DataFrame, name: str) -> pd.Series:
    """How many fronts of one network used each mark; a front goes by its consignee."""
    of_front = lorries[lorries.network.notna()].dropna(subset=[name, "consignee_eori"])
    return of_front.groupby(["network", name]).consignee_eori.nunique()


def test_a_lorry_and_a_container_turn_up_with_the_next_front(
    report: SimulationReport, lorries: pd.DataFrame
) -> None:
    assert (fronts_by(lorries, "vehicle_reg") > 1).sum() > 10
    used = fronts_by(movements(report, "shipment"), "container_no")
    assert (used > 1).sum() > 5


def truth(
    chance: list[float], smuggles: list[bool], threat: list[int], at_depth: float = 0.5
) -> Truth:
    honest: Ints = np.full(len(chance), HONEST, dtype=np.int64)
    of, chances = np.array(smuggles, dtype=np.bool_), np.array(chance)
    return Truth(
        probability_of_find=chances * FULL_SENSITIVITY,
        probability_at_random_depth=chances * at_depth,
        is_smuggling=of,
        network=honest,
        threat=np.where(of, threat, NOBODY),
        concealment=np.where(of, [of_it + 1 for of_it in threat], NOBODY),
    )


def cargo(shipment: list[int], lorry: list[int], of_network: list[bool]) -> Cargo:
    full: Bools = np.zeros(len(shipment), dtype=np.bool_)
    return Cargo(np.array(shipment), np.array(lorry), full, np.array(of_network))


def test_a_lorry_carries_what_its_consignments_do_worked_by_hand() -> None:
    lorries = truth([0.1, 0.5, 0.3], [False, True, True], [1, 2, 3])
    shipments = truth([0.2, 0.4, 0.1], [True, False, False], [5, 6, 7], at_depth=0.9)
    both = cargo([0, 2, 1], [0, 0, 1], [False, False, True])
    seen = set()
    for seed in range(40):
        of_lorry, of_shipment = one_truth(np.random.default_rng(seed), both, lorries, shipments)
        # lorry 0: consignments 1 - 0.8 * 0.9 = 0.28, above its own 0.1; shipment 0 is loaded
        # lorry 1 and shipment 1 are one run: (0.5 + 0.4) / 2; lorry 2 carries nothing declared
        assert of_lorry.probability_of_find == pytest.approx(
            np.array([0.28, 0.45, 0.3]) * FULL_SENSITIVITY
        )
        assert of_shipment.probability_of_find == pytest.approx(
            np.array([0.2, 0.45, 0.1]) * FULL_SENSITIVITY
        )
        # at random depth 0.9 of 0.1 + 0.9 * 0.2 = 0.28; the mean of 0.25 and 0.36; 0.5 of 0.3
        assert of_lorry.probability_at_random_depth == pytest.approx([0.252, 0.305, 0.15])
        assert of_shipment.probability_at_random_depth == pytest.approx([0.18, 0.305, 0.09])
        assert of_lorry.is_smuggling[[0, 2]].tolist() == [True, True]
        assert of_lorry.threat[[0, 2]].tolist() == [5, 3]
        assert of_lorry.is_smuggling[1] == of_shipment.is_smuggling[1]
        assert of_lorry.threat[1] == of_shipment.threat[1]
        for found in (of_lorry, of_shipment):  # whose threat, whose way to conceal it
            loaded = found.threat != NOBODY
            assert (found.concealment[loaded] == found.threat[loaded] + 1).all()
            assert (found.concealment[~loaded] == NOBODY).all()
        seen.add((bool(of_shipment.is_smuggling[1]), int(of_shipment.threat[1])))
    assert seen == {(True, 2), (False, NOBODY)}, "whose run it is, a coin says"
    assert not shipments.is_smuggling[1], "what was judged is left as it was"


@pytest.mark.parametrize(("own", "goods"), [(0.4, 0.1), (0.1, 0.4)])
def test_a_lorry_smuggles_as_often_as_the_greater_chance_says(own: float, goods: float) -> None:
    rng, n = np.random.default_rng(1), 40_000
    chances: Floats = np.full(n, own)
    lorries = truth(chances.tolist(), (rng.random(n) < own).tolist(), [1] * n)
    shipments = truth([goods] * n, (rng.random(n) < goods).tolist(), [2] * n)
    every = list(range(n))
    of_lorry, _ = one_truth(rng, cargo(every, every, [False] * n), lorries, shipments)
    greater = max(own, goods)
    error = np.sqrt(greater * (1 - greater) / n)
    assert of_lorry.is_smuggling.mean() == pytest.approx(greater, abs=4 * error)
    assert of_lorry.probability_of_find == pytest.approx(np.full(n, greater * FULL_SENSITIVITY))


def test_offices_plan_for_shipments_where_lorries_bring_them() -> None:
    course = Course(scenario_named("stationary"), 3, date(2025, 3, 3), 70, 3_000)
    planned, came = np.zeros(len(SITES["shipment"])), np.zeros(len(SITES["shipment"]))
    while not course.is_over:
        days = course.advance()
        scene = course.scenes["shipment"]
        planned += scene.planned_per_day * len(days)
        came += np.bincount(scene.traffic.site, minlength=came.size)
    assert ((came > 0) == (planned > 0)).all(), "only Cairnryan sees none"
    assert planned.sum() == pytest.approx(came.sum(), rel=0.03)
    busy = planned > 300
    assert busy.sum() > 12
    assert came[busy] == pytest.approx(planned[busy], rel=0.25)


def test_the_smallest_border_has_nothing_to_carry(tmp_path: Path) -> None:
    done = simulate(tmp_path / "tiny", days=2, movements_per_day=2)
    lorries = pd.read_parquet(done.movements["vehicle"])
    assert "consignments" in lorries
    assert pd.read_parquet(done.movements["shipment"]).carried_by.isna().all()
