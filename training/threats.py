"""Learns what a find would be from the finds whose threat is known."""

import lightgbm
import msgspec
import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue
from models.threats import NO_THREAT, ThreatModel, ThreatShares, base_rates, by_trees
from training.fit import THREADS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FEWEST_OF_A_THREAT = 20
"""Finds to fit on, for a threat to be a class of its own."""
FEWEST_HELD_OUT = 30
"""Finds to weigh the trees by; with fewer the base rates stand alone."""
ROUNDS = 160
MOST_WEIGHT = 0.8
"""Of the trees. Held-out finds follow at once on those fitted on; what the model will be asked
about lies further off, and by then networks have moved and trees know less. So no threat is ever
given less than a fifth of its base rate.
"""
_EM_STEPS = 500


class ThreatRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What became of the threats, for ``metrics.json`` and the model card."""

    finds: int
    told_apart: int
    """Threats that the trees tell apart; 0 when there are too few finds."""
    weight: float
    held_out: int
    """Finds that the weight was chosen on."""
    log_loss: float | None
    """On them, in nats; of the mixture, which was chosen on them."""
    log_loss_of_base_rates: float | None


def learn_threats(
    fit: tuple[Floats, Ints], held_out: tuple[Floats, Ints], catalogue: Catalogue, seed: int
) -> tuple[ThreatShares, ThreatRecord]:
    """
    Args:
        fit: rows, float64[n, F], and threats, int64[n], of the slice the trees are fitted on;
            rows without a threat are left out.
        held_out: the same of the calibration slice.
    """
    rows, threats = _finds(*fit)
    later_rows, later = _finds(*held_out)
    base = base_rates(np.concatenate([threats, later]))
    finds = len(threats) + len(later)
    counts = np.bincount(threats)
    told_apart = np.flatnonzero(counts >= FEWEST_OF_A_THREAT)
    if len(told_apart) < 2 or len(later) < FEWEST_HELD_OUT:
        return ThreatShares(base=base, finds=finds), _record(finds, len(later))
    trees = _fit(rows, threats, told_apart, catalogue, seed)
    before = ThreatShares(  # as it stood before the held-out finds were seen
        base=base_rates(threats),
        finds=len(threats),
        told_apart=tuple(told_apart.tolist()),
        weight=1.0,
        trees=trees,
    )
    given = by_trees(ThreatModel(before).margins(later_rows), before)
    of_trees, of_base = given[np.arange(len(later)), later], np.array(before.base)[later]
    weight = min(MOST_WEIGHT, mixture_weight(of_trees, of_base))
    record = _record(finds, len(later))
    record = msgspec.structs.replace(
        record,
        told_apart=len(told_apart),
        weight=weight,
        log_loss=_log_loss(weight * of_trees + (1.0 - weight) * of_base),
        log_loss_of_base_rates=_log_loss(of_base),
    )
    return msgspec.structs.replace(before, base=base, finds=finds, weight=weight), record


def mixture_weight(of_trees: Floats, of_base: Floats) -> float:
    """The w in [0, 1] under which ``w · of_trees + (1 - w) · of_base`` has the lowest log loss.

    Args:
        of_trees: float64[n], n >= 1, what each gave to the threat that was found.

    By expectation and maximisation, which goes to the one maximum: the likelihood is concave in w.
    """
    weight = 0.5
    for _ in range(_EM_STEPS):
        of_both = weight * of_trees + (1.0 - weight) * of_base
        weight = float(np.mean(weight * of_trees / of_both))
    return weight


def _finds(rows: Floats, threats: Ints) -> tuple[Floats, Ints]:
    known = threats != NO_THREAT
    return rows[known], threats[known]


def _fit(rows: Floats, threats: Ints, told_apart: Ints, catalogue: Catalogue, seed: int) -> str:
    chosen = np.isin(threats, told_apart)
    classes = np.searchsorted(told_apart, threats[chosen]).astype(np.float64)
    parameters = {
        "objective": "multiclass",
        "num_class": len(told_apart),
        "learning_rate": 0.05,
        "num_leaves": 4,
        "min_data_in_leaf": FEWEST_OF_A_THREAT // 2,
        "lambda_l2": 5.0,
        "feature_fraction": 0.5,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": THREADS,
        "verbosity": -1,
    }
    names = list(catalogue.names)
    data = lightgbm.Dataset(rows[chosen], classes, feature_name=names, params=parameters)
    return str(lightgbm.train(parameters, data, num_boost_round=ROUNDS).model_to_string())


def _record(finds: int, held_out: int) -> ThreatRecord:
    return ThreatRecord(
        finds=finds,
        told_apart=0,
        weight=0.0,
        held_out=held_out,
        log_loss=None,
        log_loss_of_base_rates=None,
    )


def _log_loss(given: Floats) -> float:
    return float(-np.log(given).mean())
