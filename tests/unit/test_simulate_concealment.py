"""How what is smuggled is concealed at the simulated border; everything here is simulated."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest

from features.records import KINDS
from features.records.outcome import Concealment
from features.simulate import SCENARIOS, simulate
from features.simulate.adaptation import Adaptation
from features.simulate.arena import FIRST_MONDAY, arena_course
from features.simulate.codes import Ints
from features.simulate.concealment import (
    CONCEALMENTS,
    METHODS,
    METHODS_FOR_PERSONS,
    MISDECLARED,
    Methods,
)
from features.simulate.course import Course
from features.simulate.networks import EMERGING, NETWORKS, THREATS
from features.simulate.outcomes import POSITIVE, Fates, draw_fates
from features.simulate.parameters import AdaptationParameters, RegimeParameters
from features.simulate.regime import RANDOM, Selection
from features.simulate.sensitivity import PAPER, PERSONS
from features.simulate.world import HONEST, NOBODY

CASH, PEOPLE, FRAUD = (
    THREATS.index(name) for name in ("cash", "clandestine_entry", "fiscal_fraud")
)


def methods(seed: int) -> Methods:
    return Methods(np.random.default_rng(seed))


def course_of(scenario: str, weeks: int = 4) -> Course:
    course = arena_course(scenario, 4, weeks, 4_200, FIRST_MONDAY)
    course.advance()
    return course


def files(out: Path) -> Mapping[str, pd.DataFrame]:
    return {str(of.relative_to(out)): pd.read_parquet(of) for of in sorted(out.rglob("*.parquet"))}


class NoMethods:
    """Draws nothing."""

    def __init__(self, rng: np.random.Generator) -> None:
        del rng

    def of_movements(
        self, rng: np.random.Generator, kind: str, network: Ints, threat: Ints
    ) -> Ints:
        del rng, kind, network
        return np.full(threat.size, NOBODY)


@pytest.mark.parametrize("scenario", list(SCENARIOS))
def test_nothing_else_hangs_on_how_things_are_concealed(
    scenario: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing about it is drawn from the border's streams, every other column is the same."""

    def made(name: str) -> Mapping[str, pd.DataFrame]:
        out = tmp_path / name
        simulate(out, scenario=scenario, seed=4, days=140, movements_per_day=120)
        return files(out)

    def draw_from_elsewhere(*given: Any, for_concealment: np.random.Generator) -> Fates:
        del for_concealment
        return draw_fates(*given, for_concealment=np.random.default_rng(0))

    usual = made("usual")
    monkeypatch.setattr("features.simulate.border.Methods", NoMethods)
    monkeypatch.setattr("features.simulate.course.draw_fates", draw_from_elsewhere)
    monkeypatch.setattr(Adaptation, "_conceal_otherwise", lambda *_: None)
    without = made("without")
    concealed = 0
    for name, frame in usual.items():
        others = [column for column in frame.columns if column != "concealment"]
        pd.testing.assert_frame_equal(frame[others], without[name][others])
        if "concealment" in frame:
            concealed += int(frame["concealment"].notna().sum())
            assert without[name]["concealment"].isna().all()
    assert concealed > 50


def test_a_method_is_a_code_of_the_record_and_fits_kind_and_threat() -> None:
    assert get_args(Concealment) == CONCEALMENTS
    for shares in (*METHODS.values(), *METHODS_FOR_PERSONS.values()):
        assert set(shares) <= set(CONCEALMENTS)
        assert sum(shares.values()) == pytest.approx(1.0)
    for seed in range(20):
        of = methods(seed).of_network
        for number, network in enumerate(NETWORKS):
            for kind in KINDS:
                method = CONCEALMENTS[of[kind][number]]
                if network.threat in PAPER:
                    assert method == "misdeclared_goods"
                elif network.threat in PERSONS:
                    assert method in METHODS_FOR_PERSONS[kind]
                else:
                    assert method in METHODS[kind]


def test_networks_that_emerge_conceal_as_no_network_did_before() -> None:
    seen = set()
    for seed in range(20):
        of = methods(seed).of_network
        new = {int(method) for kind in KINDS for method in of[kind][EMERGING]}
        old = {int(method) for kind in KINDS for method in of[kind][~EMERGING]}
        assert not new & old
        assert len(set(of["vehicle"][EMERGING]) | set(of["shipment"][EMERGING])) == 1
        seen.add(frozenset(new))
    assert len(seen) > 1, "the seed says which"


def test_networks_keep_to_their_method_and_opportunists_do_as_it_comes() -> None:
    n, of = 4_000, methods(1)
    rng = np.random.default_rng(2)
    network = np.where(np.arange(n) < n // 2, 0, HONEST)
    by_network, by_others = np.split(of.of_movements(rng, "vehicle", network, np.full(n, CASH)), 2)
    assert set(by_network) == {of.of_network["vehicle"][0]}
    assert {CONCEALMENTS[method] for method in by_others} == set(METHODS["vehicle"])
    people = of.of_movements(rng, "vehicle", np.full(n, HONEST), np.full(n, PEOPLE))
    assert {CONCEALMENTS[method] for method in people} == set(METHODS_FOR_PERSONS["vehicle"])
    on_paper = of.of_movements(rng, "vehicle", network, np.full(n, FRAUD))
    assert set(on_paper) == {MISDECLARED}
    nothing = of.of_movements(rng, "vehicle", network, np.full(n, NOBODY))
    assert set(nothing) == {NOBODY}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("border") / "simulated"
    simulate(out, scenario="new_tactic", seed=5, days=200, movements_per_day=600)
    return out


def test_only_finds_say_it_and_what_they_say_is_true(out: Path) -> None:
    parts = []
    for kind in KINDS:
        outcomes = pd.read_parquet(out / f"{kind}-outcomes.parquet")
        truth = pd.read_parquet(out / "truth" / f"{kind}-truth.parquet")
        of = truth.set_index("movement_ref")["concealment"].rename("true")
        parts.append(outcomes.join(of, on="movement_ref"))
        smuggles = truth["is_smuggling"]
        assert truth["concealment"].notna().equals(smuggles)
    outcomes = pd.concat(parts)
    finds = outcomes[outcomes["outcome"] == "positive"]
    assert outcomes["concealment"][outcomes["outcome"] != "positive"].isna().all()
    told = finds[finds["concealment"].notna()]
    assert (told["concealment"] == told["true"]).all()
    share = RegimeParameters().concealment_unstated_share
    assert 1 - len(told) / len(finds) == pytest.approx(share, abs=0.07)
    assert outcomes["corrects"].notna().any(), "an appeal says nothing of it"


def test_a_new_tactic_is_seen_in_what_is_concealed(out: Path) -> None:
    seen = set()
    for kind in KINDS:
        truth = pd.read_parquet(out / "truth" / f"{kind}-truth.parquet")
        runs = truth[truth["is_smuggling"] & truth["network"].notna()]
        emerged = EMERGING[runs["network"].to_numpy(np.int64)]
        new = set(runs["concealment"][emerged])
        assert len(new) <= 1, kind
        assert not new & set(runs["concealment"][~emerged]), kind
        seen |= new
    assert len(seen) == 2, "one of lorries and shipments, one of vessels"


def test_poisoned_sites_say_nothing_of_what_they_hide() -> None:
    course = arena_course("poisoned_feedback", 4, 20, 4_200, FIRST_MONDAY)
    for _ in range(18):
        course.advance()
    for kind in KINDS:
        n = course.scenes[kind].n
        everybody = Selection(np.arange(n), np.full(n, RANDOM), np.ones(n, dtype=bool))
        told = course.examine(kind, everybody).reported
        assert (told.concealment[told.result != POSITIVE] == NOBODY).all()


# -- adaptive ------------------------------------------------------------------------------------


def test_a_network_that_is_found_out_may_conceal_otherwise() -> None:
    changed, asked = 0, 0
    for seed in range(12):
        course = course_of("adaptive")
        of_network, lanes = course.border.methods.of_network, course.border.lanes("vehicle")
        before = {kind: of_network[kind].copy() for kind in KINDS}
        adaptation = Adaptation(course.border, AdaptationParameters(), seed=seed)
        fronts = np.flatnonzero(lanes.network != HONEST)[:12]
        adaptation.react("vehicle", fronts, np.full(fronts.size, 30), next_block=35)
        adaptation.arrive(34)
        assert all((of_network[kind] == before[kind]).all() for kind in KINDS), "not before 7 days"
        adaptation.arrive(30 + AdaptationParameters().moving_days[1])
        for kind in ("vessel", "shipment"):
            assert (of_network[kind] == before[kind]).all(), "nobody found them out there"
        moved = np.flatnonzero(of_network["vehicle"] != before["vehicle"])
        assert set(moved) <= set(lanes.network[fronts])
        changed += moved.size
        asked += np.unique(lanes.network[fronts]).size
    assert 0 < changed < asked


def test_a_network_of_goods_on_paper_has_nothing_else_to_do() -> None:
    of, rng = methods(1), np.random.default_rng(1)
    for number, network in enumerate(NETWORKS):
        others = {CONCEALMENTS[of.another(rng, "vehicle", number)] for _ in range(60)}
        assert (others == {"misdeclared_goods"}) == (network.threat in PAPER)
