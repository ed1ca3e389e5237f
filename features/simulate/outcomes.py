"""What examinations end in: depth, result, the four that are no labels, and when it is known."""

from dataclasses import dataclass

import numpy as np

from features.simulate.codes import Bools, Floats, Ints
from features.simulate.networks import THREATS
from features.simulate.parameters import FULL_SENSITIVITY, RegimeParameters
from features.simulate.regime import INTELLIGENCE, RANDOM, Selection
from features.simulate.smuggling import Truth
from features.simulate.traffic import to_micros
from features.simulate.world import NOBODY

THOROUGHNESS = ("document", "scan", "partial", "full")
DOCUMENT, SCAN, PARTIAL, FULL = range(4)
DEPTH_SHARES = {  # document, scan, partial, full
    "vehicle": {"tip": (0.02, 0.28, 0.30, 0.40), "other": (0.10, 0.50, 0.28, 0.12)},
    "vessel": {"tip": (0.02, 0.00, 0.43, 0.55), "other": (0.20, 0.00, 0.60, 0.20)},
    "shipment": {"tip": (0.08, 0.22, 0.30, 0.40), "other": (0.25, 0.30, 0.30, 0.15)},
}
RANDOM_DEPTH_SHARES = (0.0, 0.0, 0.3, 0.7)
"""Random examinations are meant as a measurement, so they go deep."""
SENSITIVITY = {  # document, scan, partial, full
    "paper": (0.60, 0.25, 0.65, FULL_SENSITIVITY),
    "hidden": (0.10, 0.65, 0.60, FULL_SENSITIVITY),
    "persons": (0.05, 0.85, 0.80, FULL_SENSITIVITY),
}
PAPER = ("counterfeit", "fiscal_fraud")
PERSONS = ("clandestine_entry",)
RESULTS = ("negative", "positive", "no_show", "missed", "withdrawn", "insufficient_resources")
NEGATIVE, POSITIVE, NO_SHOW, MISSED, WITHDRAWN, INSUFFICIENT = range(6)


@dataclass(frozen=True)
class Examined:
    """One value a selection, numbers in the lists above; instants in microseconds since 1970."""

    at: Ints
    reason: Ints
    result: Ints
    thoroughness: Ints
    """``NOBODY`` (unknown) where nobody looked."""
    threat: Ints
    examined_at: Ints
    known_at: Ints

    @property
    def looked(self) -> Bools:
        labelled: Bools = self.result <= POSITIVE
        return labelled

    def known_before(self, instant: int) -> "Examined":
        """Those whose result was known before ``instant``."""
        known = self.known_at < instant
        return Examined(**{name: column[known] for name, column in vars(self).items()})


def examine(
    rng: np.random.Generator,
    parameters: RegimeParameters,
    kind: str,
    selection: Selection,
    truth: Truth,
    arrives_at: Ints,
) -> Examined:
    """``truth`` and ``arrives_at`` are of the day's movements, which ``selection`` points into."""
    at, n = selection.at, selection.at.size
    depth = _depth(rng, kind, selection.reason)
    threat = truth.threat[at]
    finds = rng.random(n) < _sensitivity()[threat, depth]  # never where there is no threat
    lost = rng.random(n)
    gone, missed = parameters.no_show_share, parameters.missed_share
    limits = np.cumsum([gone, missed, parameters.withdrawn_share])
    result = np.select(
        [~selection.examined, lost < limits[0], lost < limits[1], lost < limits[2], finds],
        [INSUFFICIENT, NO_SHOW, MISSED, WITHDRAWN, POSITIVE],
        NEGATIVE,
    )
    wait = np.clip(rng.lognormal(np.log(parameters.wait_median_hours), 0.8, n), 0.3, 72.0)
    examined_at = arrives_at[at] + to_micros(wait)
    looked = result <= POSITIVE
    return Examined(
        at=at,
        reason=selection.reason,
        result=result,
        thoroughness=np.where(looked, depth, NOBODY),
        threat=np.where(result == POSITIVE, threat, NOBODY),
        examined_at=examined_at,
        known_at=examined_at + to_micros(_delay_hours(rng, parameters, result)),
    )


def _depth(rng: np.random.Generator, kind: str, reason: Ints) -> Ints:
    shares = np.where(
        (reason == INTELLIGENCE)[:, None], DEPTH_SHARES[kind]["tip"], DEPTH_SHARES[kind]["other"]
    )
    shares = np.where((reason == RANDOM)[:, None], RANDOM_DEPTH_SHARES, shares)
    reach = np.cumsum(shares, axis=1)
    reach[:, -1] = 1.0
    deep: Ints = (rng.random(reason.size)[:, None] >= reach).sum(axis=1)
    return deep


def _sensitivity() -> Floats:
    """float64[threats + 1, depths]; the last row is for no threat."""
    rows = [
        SENSITIVITY["paper" if t in PAPER else "persons" if t in PERSONS else "hidden"]
        for t in THREATS
    ]
    return np.array([*rows, (0.0, 0.0, 0.0, 0.0)])


def _delay_hours(rng: np.random.Generator, parameters: RegimeParameters, result: Ints) -> Floats:
    n = result.size
    hours = rng.lognormal(np.log(parameters.result_median_hours), 0.9, n)
    share = np.select(
        [result == POSITIVE, result == NEGATIVE],
        [parameters.laboratory_share_positive, parameters.laboratory_share_negative],
        0.0,
    )
    days = rng.lognormal(np.log(parameters.laboratory_median_days), 0.55, n)
    sent = rng.random(n) < share
    total: Floats = hours + np.where(sent, 24.0 * days, 0.0)
    return np.minimum(total, 24.0 * parameters.laboratory_most_days)
