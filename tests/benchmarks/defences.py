"""``python -m tests.benchmarks.defences``: what the defences cost and what attacks gain, simulated.

A border is simulated and ingested into ``--folder`` (kept, and used again). Of each kind a model is
fitted as ``foreland train`` does; on later movements, examined or not, precision is the simulated
probability of a find among the highest scores, without and with the defences. Then those movements
that are among the highest 5 % attack: by leaving out a required field (the best one for each), and
by identifiers that are made up, valid and new; leaving means to fall below the 5 %.
"""

import argparse
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from stdnum import imo, iso6346

from features.records import KINDS, declared_fields
from features.settings import Settings
from models.booster import TreeModel
from models.defences import NONE, Defences, DefendedModel, learn_defences
from tests.blanking import Border, Record, Variant, applying
from tests.command import runner
from training.config import TrainingConfig
from training.data import gather
from training.fit import fit_trees

Floats = NDArray[np.float64]

SHARES = (0.01, 0.02, 0.05, 0.10)
ATTACKING_SHARE = 0.05
MOST_ATTACKERS = 400


class Models(NamedTuple):
    """The same trees, defended in four ways."""

    none: DefendedModel
    blanks: DefendedModel
    newcomers: DefendedModel
    both: DefendedModel


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.defences")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--movements-per-day", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=12)
    parser.add_argument("--movements", type=int, default=20_000, help="tested, of each kind")
    options = parser.parse_args()
    home, files = options.folder / "home", options.folder / "files"
    os.environ["FORELAND_HOME"] = str(home)
    with pytest.MonkeyPatch.context() as patched:
        run = runner(patched)
        if not files.exists():
            size = (f"--days={options.days}", f"--movements-per-day={options.movements_per_day}")
            run("simulate", "--out", str(files), f"--seed={options.seed}", *size)
            for kind in KINDS:
                Border(home, files, kind, run)
    for kind in KINDS:
        report(Border(home, files, kind), home, options.movements)


def report(border: Border, home: Path, tested: int) -> None:
    data = gather(Settings(home=home).ledger, border.kind, TrainingConfig(), None, lambda _: None)
    fitted, labels = data.matrix[data.slices.fit], data.labelled.labels[data.slices.fit]
    models = fitted_models(border, fitted, labels)
    later = [r for r in border.records() if micros(r) >= data.slices.calibrate_from]
    sent = [later[at] for at in np.linspace(0, len(later) - 1, min(tested, len(later)), dtype=int)]
    rows = border.rows([border.declared(record) for record in sent])
    truth = border.truth()
    risks = np.array([truth[record["movement_ref"]] for record in sent])
    print(
        f"\n{border.kind}, simulated: {len(labels):,} labels to fit on, {int(labels.sum())} finds;"
    )
    print(f"{len(sent):,} later movements, {risks.mean():.4f} of which an examination would find\n")
    print("| precision at | 1 % | 2 % | 5 % | 10 % |\n|---|---|---|---|---|")
    print(line("at best", precision(risks, risks)))
    for name, model in models._asdict().items():
        print(line(name, precision(model.margins(rows), risks)))
    print("\n| attack | leave, undefended | margin | leave, defended | margin |")
    print("|---|---|---|---|---|")
    for name, attack in ATTACKS.items():
        cells = [
            cell
            for model in (models.none, models.both)
            for cell in attacked(border, model, sent, rows, attack)
        ]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def fitted_models(border: Border, rows: Floats, labels: Floats) -> Models:
    trees = TreeModel(fit_trees(rows, labels, border.catalogue, TrainingConfig().trees))
    learned = learn_defences(border.catalogue, rows)

    def defended(defences: Defences) -> DefendedModel:
        return DefendedModel(trees, defences, border.catalogue)

    return Models(
        defended(NONE),
        defended(Defences(requirements=learned.requirements, newcomers=())),
        defended(Defences(requirements=(), newcomers=learned.newcomers)),
        defended(learned),
    )


def micros(record: Record) -> int:
    return int(record["declared_at"].timestamp() * 1e6)


def precision(scores: Floats, risks: Floats) -> list[float]:
    order = np.argsort(-scores, kind="stable")
    return [float(risks[order[: int(share * len(order))]].mean()) for share in SHARES]


def line(name: str, values: list[float]) -> str:
    return f"| {name} | " + " | ".join(f"{value:.3f}" for value in values) + " |"


Attack = Callable[[Border, int, Record, Floats], list[Variant]]
"""From a record and its row to the records that could be sent in its place."""


def attacked(
    border: Border, model: DefendedModel, sent: list[Record], rows: Floats, attack: Attack
) -> tuple[str, str]:
    """Of the highest scores, the share that leaves them, and the mean change of all margins."""
    margins = model.margins(rows)
    high = np.quantile(margins, 1.0 - ATTACKING_SHARE)
    attackers = np.flatnonzero(margins >= high)
    if len(attackers) > MOST_ATTACKERS:
        attackers = attackers[np.linspace(0, len(attackers) - 1, MOST_ATTACKERS, dtype=int)]
    variants = [v for at in attackers.tolist() for v in attack(border, at, sent[at], rows[at])]
    lowest = margins.copy()
    lowest[attackers] = np.inf
    after = model.margins(border.rows([variant.movement for variant in variants]))
    np.minimum.at(lowest, [variant.number for variant in variants], after)
    tried = attackers[np.isfinite(lowest[attackers])]
    changes = lowest[tried] - margins[tried]
    return f"{np.mean(lowest[tried] < high):.1%}", f"{changes.mean():+.2f}"


def leave_one_out(border: Border, number: int, record: Record, row: Floats) -> list[Variant]:
    values = dict(zip(border.catalogue.names, row.tolist(), strict=True))
    choices = [(place,) for place in applying(border.kind, values)]
    return list(border.variants(number, record, choices))


def fresh(*namespaces: str) -> Attack:
    """Identifiers of these namespaces, all of them new."""

    def attack(border: Border, number: int, record: Record, row: Floats) -> list[Variant]:  # noqa: ARG001
        draw = random.Random(number)
        new = {
            field.name: MADE_UP[str(field.namespace)](draw, record[field.name])
            for field in declared_fields(border.kind)
            if field.role == "identifier" and field.namespace in namespaces and field.name in record
        }
        changed = border.declared({**record, **new})
        return [Variant(number, tuple(new), changed)] if new else []

    return attack


def _digits(draw: random.Random, count: int) -> str:
    return "".join(draw.choice("123456789") for _ in range(count))


def _vessel(draw: random.Random, old: str) -> str:
    if len(old) == 9:  # an MMSI keeps its country
        return old[:3] + _digits(draw, 6)
    if not old.removeprefix("IMO").strip().isdigit():
        return f"SSR{_digits(draw, 6)}"
    six = _digits(draw, 6)
    return six + str(imo.calc_check_digit(six))


def _container(draw: random.Random, old: str) -> str:  # noqa: ARG001
    ten = "QZX" + "U" + _digits(draw, 6)
    return ten + str(iso6346.calc_check_digit(ten))


MADE_UP: dict[str, Callable[[random.Random, str], str]] = {
    "organisation": lambda draw, old: f"{'FR' if old[:2] == 'GB' else old[:2]}{_digits(draw, 13)}",
    "vehicle": lambda draw, old: f"QZ{_digits(draw, 6)}",  # noqa: ARG005
    "trailer": lambda draw, old: f"QT{_digits(draw, 7)}",  # noqa: ARG005
    "container": _container,
    "vessel": _vessel,
}
"""Valid, and like no other."""

ATTACKS: dict[str, Attack] = {
    "the best required field left out": leave_one_out,
    "new organisations": fresh("organisation"),
    "new vehicle, trailer, container, ship": fresh("vehicle", "trailer", "container", "vessel"),
    "everything new": fresh("organisation", "vehicle", "trailer", "container", "vessel"),
}


if __name__ == "__main__":
    main()
