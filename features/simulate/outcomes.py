"""What examinations end in: depth, result, the four that are no labels, and when it is known."""

from dataclasses import dataclass, replace

import numpy as np

from features.simulate.codes import Bools, Floats, Ints
from features.simulate.parameters import RegimeParameters
from features.simulate.regime import INTELLIGENCE, RANDOM, Selection
from features.simulate.sensitivity import DEPTH_SHARES, RANDOM_DEPTH_SHARES, SENSITIVITY_TABLE
from features.simulate.smuggling import Truth
from features.simulate.traffic import to_micros
from features.simulate.world import NOBODY

NEVER = -1
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
    concealment: Ints
    """``NOBODY`` where nothing was found, or the find does not say."""
    examined_at: Ints
    known_at: Ints
    reversed_at: Ints
    """When an appeal took a find back was known; ``NEVER`` for all others."""

    @property
    def looked(self) -> Bools:
        labelled: Bools = self.result <= POSITIVE
        return labelled

    def only(self, which: Bools) -> "Examined":
        return Examined(**{name: column[which] for name, column in vars(self).items()})

    def known_before(self, instant: int) -> "Examined":
        """Those whose result was known before ``instant``, with the appeals known by then."""
        known = self.only(self.known_at < instant)
        heard = np.where(known.reversed_at < instant, known.reversed_at, NEVER)
        return replace(known, reversed_at=heard)

    @property
    def reversed(self) -> Bools:
        taken_back: Bools = self.reversed_at != NEVER
        return taken_back


@dataclass(frozen=True)
class Fates:
    """What an examination of each movement would come to, were there one.

    Drawn for every movement before anyone is selected, so that two policies that examine the same
    movement for the same reason see the same result. Uniform in [0, 1) unless a unit is named.
    """

    depth: Floats
    """Drawn as the site leans: higher goes deeper."""
    depth_if_random: Floats
    detection: Floats
    loss: Floats
    honesty: Floats
    """Of the officer, where officers are for sale."""
    laboratory: Floats
    silence: Floats
    """About how it was concealed."""
    wait_hours: Floats
    result_hours: Floats
    laboratory_days: Floats
    appeal: Floats
    appeal_days: Floats

    def of(self, rows: Ints) -> "Fates":
        return Fates(**{name: column[rows] for name, column in vars(self).items()})


def draw_fates(
    rng: np.random.Generator,
    parameters: RegimeParameters,
    depth_exponent: Floats,
    *,
    for_concealment: np.random.Generator,
) -> Fates:
    """``depth_exponent`` is that of each movement's site; what concerns how a find was concealed
    has a stream of its own."""
    n = depth_exponent.size
    depth = rng.random(n)
    wait = rng.lognormal(np.log(parameters.wait_median_hours), 0.8, n)
    return Fates(
        depth=depth**depth_exponent,
        depth_if_random=depth,
        detection=rng.random(n),
        loss=rng.random(n),
        honesty=rng.random(n),
        laboratory=rng.random(n),
        silence=for_concealment.random(n),
        wait_hours=np.clip(wait, 0.3, 72.0),
        result_hours=rng.lognormal(np.log(parameters.result_median_hours), 0.9, n),
        laboratory_days=rng.lognormal(
            np.log(parameters.laboratory_median_days), parameters.laboratory_log_spread, n
        ),
        appeal=rng.random(n),
        appeal_days=np.minimum(
            rng.lognormal(np.log(parameters.appeal_median_days), 0.6, n),
            parameters.appeal_most_days,
        ),
    )


def examine(
    parameters: RegimeParameters,
    kind: str,
    selection: Selection,
    truth: Truth,
    arrives_at: Ints,
    fates: Fates,
) -> Examined:
    """``selection`` points into the movements that the last three are about."""
    at = selection.at
    of = fates.of(at)
    depth = _depth(kind, selection.reason, of)
    threat = truth.threat[at]
    finds = of.detection < SENSITIVITY_TABLE[threat, depth]  # never where there is no threat
    limits = np.cumsum([parameters.no_show_share, parameters.missed_share])
    withdrawn = limits[-1] + parameters.withdrawn_share
    result = np.select(
        [~selection.examined, of.loss < limits[0], of.loss < limits[1], of.loss < withdrawn, finds],
        [INSUFFICIENT, NO_SHOW, MISSED, WITHDRAWN, POSITIVE],
        NEGATIVE,
    )
    examined_at = arrives_at[at] + to_micros(of.wait_hours)
    looked = result <= POSITIVE
    known_at = examined_at + to_micros(_delay_hours(parameters, result, of))
    says_how = of.silence >= parameters.concealment_unstated_share
    appeals = (result == POSITIVE) & (of.appeal < parameters.appeal_share)
    return Examined(
        at=at,
        reason=selection.reason,
        result=result,
        thoroughness=np.where(looked, depth, NOBODY),
        threat=np.where(result == POSITIVE, threat, NOBODY),
        concealment=np.where((result == POSITIVE) & says_how, truth.concealment[at], NOBODY),
        examined_at=examined_at,
        known_at=known_at,
        reversed_at=np.where(appeals, known_at + to_micros(24.0 * of.appeal_days), NEVER),
    )


def _depth(kind: str, reason: Ints, fates: Fates) -> Ints:
    shares = np.where(
        (reason == INTELLIGENCE)[:, None], DEPTH_SHARES[kind]["tip"], DEPTH_SHARES[kind]["other"]
    )
    shares = np.where((reason == RANDOM)[:, None], RANDOM_DEPTH_SHARES, shares)
    reach = np.cumsum(shares, axis=1)
    reach[:, -1] = 1.0
    place = np.where(reason == RANDOM, fates.depth_if_random, fates.depth)
    deep: Ints = (place[:, None] >= reach).sum(axis=1)
    return deep


def _delay_hours(parameters: RegimeParameters, result: Ints, fates: Fates) -> Floats:
    share = np.select(
        [result == POSITIVE, result == NEGATIVE],
        [parameters.laboratory_share_positive, parameters.laboratory_share_negative],
        0.0,
    )
    sent = fates.laboratory < share
    total: Floats = fates.result_hours + np.where(sent, 24.0 * fates.laboratory_days, 0.0)
    return np.minimum(total, 24.0 * parameters.result_most_days)
