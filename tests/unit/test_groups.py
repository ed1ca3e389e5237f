"""Groups of tested rows, counted by hand and against plain loops."""

import numpy as np
import pytest

from features.catalogue import catalogue_for
from features.countries import COUNTRIES, IN_LOCODE, IN_MRN
from features.ledger import MovementDeclared
from features.records import KINDS
from features.regions import region_of
from models.baselines import Rows
from models.groups import FEWEST_FINDS, MOST_GROUPS, OTHERS, GroupResult, evaluate_groups

COLUMNS = catalogue_for("vehicle").names


def made_up(routes: list[str], seed: int = 1) -> Rows:
    movements = [
        MovementDeclared(kind="vehicle", movement=str(n), declared_at=0, fields={"route_id": route})
        for n, route in enumerate(routes)
    ]
    matrix = np.random.default_rng(seed).normal(size=(len(routes), len(COLUMNS)))
    matrix[:, COLUMNS.index("haulier.movements")] = np.arange(len(routes)) % 120
    matrix[:, COLUMNS.index("unregistered_parties")] = np.nan
    return Rows(movements, matrix)


def evaluated(
    routes: list[str], probabilities: np.ndarray, labels: np.ndarray
) -> dict[tuple[str, str], GroupResult]:
    days = np.arange(len(routes)) // 10
    found = evaluate_groups(
        "vehicle", made_up(routes), COLUMNS, probabilities, labels, days, share=0.1
    )
    return {(item.by, item.group): item for item in found}


def test_a_group_is_measured_as_a_loop_would() -> None:
    rng = np.random.default_rng(2)
    routes = [str(rng.choice(["FRCQF-GBDVR", "NLRTM-GBHRW"])) for _ in range(400)]
    probabilities = rng.random(400)
    labels = (rng.random(400) < probabilities).astype(np.float64)
    found = evaluated(routes, probabilities, labels)
    threshold = np.sort(probabilities)[-40]
    for route in set(routes):
        rows = [n for n in range(400) if routes[n] == route]
        taken = [n for n in rows if probabilities[n] >= threshold]
        measured = found["route", route].measured
        assert measured is not None
        assert (measured.rows, measured.finds) == (len(rows), sum(labels[n] for n in rows))
        assert measured.referral_rate == pytest.approx(len(taken) / len(rows))
        assert measured.precision == pytest.approx(sum(labels[n] for n in taken) / len(taken))
        assert measured.predicted == pytest.approx(sum(probabilities[n] for n in rows) / len(rows))
        assert measured.observed == pytest.approx(sum(labels[n] for n in rows) / len(rows))
        pairs = [
            (probabilities[a] > probabilities[b])
            for a in rows
            for b in rows
            if labels[a] > labels[b]
        ]
        assert measured.roc_auc == pytest.approx(sum(pairs) / len(pairs))
        assert measured.gap is not None
        assert measured.off is False
        assert measured.roc_auc_interval is not None
    sizes = {group: item.measured for (by, group), item in found.items() if "size" in by}
    assert sizes["10 to 99 movements"] is not None
    assert sizes["10 to 99 movements"].rows == 3 * 90 + 30  # n mod 120 in [10, 100), 400 rows
    assert found["registration", "not declared"].measured is not None
    region = found["region of departure", "Europe"].measured
    assert region is not None
    assert region.rows == 400


def test_a_group_whose_probabilities_are_off_is_told() -> None:
    rng = np.random.default_rng(4)
    labels = (rng.random(600) < 0.3).astype(np.float64)
    found = evaluated(["A-B"] * 600, np.clip(rng.normal(0.6, 0.01, 600), 0, 1), labels)
    measured = found["route", "A-B"].measured
    assert measured is not None
    assert measured.off is True


def test_small_groups_are_named_and_not_measured() -> None:
    finds = np.zeros(229)
    finds[:FEWEST_FINDS] = finds[200:229] = 1.0  # ten on A, 29 rows of B with a find each
    routes = ["A"] * 100 + ["C"] * 100 + ["B"] * 29
    found = evaluated(routes, np.linspace(0, 1, 229), finds)
    assert found["route", "A"].measured is not None
    assert found["route", "B"].measured is None  # too few rows
    assert found["route", "C"].measured is None  # no find


def test_many_groups_end_in_one_of_all_others() -> None:
    routes = [f"route {n:02}" for n in range(20) for _ in range(40 - n)]
    labels = (np.arange(len(routes)) % 2).astype(np.float64)
    found = evaluated(routes, np.linspace(0, 1, len(routes)), labels)
    names = [group for by, group in found if by == "route"]
    assert names == [f"route {n:02}" for n in range(MOST_GROUPS - 1)] + [OTHERS]
    others = found["route", OTHERS].measured
    assert others is not None
    assert others.rows == sum(40 - n for n in range(MOST_GROUPS - 1, 20))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_grouped_by_its_own_columns(kind: str) -> None:
    columns = catalogue_for(kind).names
    movement = MovementDeclared(kind=kind, movement="m", declared_at=0)
    rows = Rows([movement] * 60, np.full((60, len(columns)), np.nan))
    labels = (np.arange(60) % 2).astype(np.float64)
    found = evaluate_groups(
        kind, rows, columns, np.full(60, 0.5), labels, np.arange(60) // 3, share=0.05
    )
    assert {item.group for item in found} == {"not declared"}
    assert len(found) == 6


def test_every_country_lies_in_one_region() -> None:
    assert {code for code in COUNTRIES | IN_MRN if region_of(code) is None} == set()
    assert {code for code in IN_LOCODE if region_of(code) is None} == {"XZ"}
    assert (region_of("FRCQF-GBDVR"), region_of("CN"), region_of("A-B")) == ("Europe", "Asia", None)
