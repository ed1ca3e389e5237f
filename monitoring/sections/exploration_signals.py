"""The rules on exploration, with their thresholds."""

import numpy as np

from monitoring.findings import REFERENCE_DAYS
from monitoring.signals import Colour, Signal
from monitoring.statistics.chance import RULE, colour_of
from monitoring.statistics.disclosure import FEWEST_SHOWN
from monitoring.statistics.exploration import ExplorationFindings, Log

AREA = "exploration"
HALF = 0.5
"""From half the find rate of referrals for risk on, ranking adds too little over no ranking. The
lower end of the interval is held against it, so that a wide one does not alarm."""


def some_chance(kind: str, explored: ExplorationFindings) -> Signal:
    colour: Colour = "green" if explored.log.expected > 0.0 else "red"
    return Signal(
        AREA,
        "no-exploration",
        kind,
        colour,
        explored.log.expected,
        explored.movements,
        "red when no movement had a chance of a random referral",
        "senior responsible owner",
        "restore the share of capacity that goes to chance, or say what shall be learned from",
    )


def less_examined(kind: str, explored: ExplorationFindings) -> Signal:
    return Signal(
        AREA,
        "chance-referrals-skipped",
        kind,
        colour_of(explored.less_examined),
        float(explored.spent["with_result"].iloc[1]),
        explored.log.drawn,
        f"share of chance referrals with a result, lower than of those for risk: {RULE}",
        "operations",
        "examine chance referrals as the others: skipped ones make the estimate a guess",
    )


def draws_as_logged(kind: str, log: Log) -> Signal:
    return Signal(
        AREA,
        "propensities",
        kind,
        "red" if log.impossible else colour_of(log.by_chance),
        float(log.drawn),
        log.answers,
        "red for a chance that is missing, outside 0 to 1, or 0 for a referral; number of chance "
        f"referrals away from the sum of their chances: {RULE}",
        "model owner",
        "check the service's selection against the disclosed day keys (foreland keys draws)",
    )


def beside_referred(kind: str, explored: ExplorationFindings) -> Signal:
    finds, of = explored.referred_for_risk
    colour: Colour = "grey"
    value, headline = np.nan, explored.headline
    if explored.missed is not None and headline is not None and of >= FEWEST_SHOWN:
        value = headline.value if headline.value is not None else np.nan
        low = headline.interval[0] if headline.interval is not None else 0.0
        risk = finds / of
        colour = "red" if low > risk else "amber" if low > HALF * risk else "green"
    return Signal(
        AREA,
        "unexamined-as-risky",
        kind,
        colour,
        value,
        0 if headline is None else headline.results,
        "lower end of the estimated find rate among the unexamined: amber above half the find "
        "rate of referrals for risk, red above all of it",
        "model owner",
        "the ranking hardly tells risk: look at what chance found, and retrain or suspend",
    )


def rising(kind: str, explored: ExplorationFindings) -> Signal:
    finds = explored.by_band["find_rate"].iloc[-1]
    return Signal(
        AREA,
        "unexamined-rising",
        kind,
        colour_of(explored.rising),
        float(finds),
        explored.log.drawn,
        f"find rate of the random slice, higher than in the {REFERENCE_DAYS} days before: {RULE}",
        "model owner",
        "look at what chance finds that it did not before: it may be a tactic the model cannot see",
    )


def better_challenger(kind: str, explored: ExplorationFindings) -> Signal:
    loss = next((one for one in explored.challenger if one.measure == "log loss"), None)
    colour: Colour = "grey"
    value = np.nan
    if loss is not None and loss.interval is not None and loss.difference is not None:
        value = loss.difference
        colour = "amber" if loss.says == "better" else "green"
    return Signal(
        AREA,
        "challenger-better",
        kind,
        colour,
        value,
        explored.challenger_results,
        "amber when the challenger's log loss on the random slice is lower, all of the 95% "
        "interval of the difference below 0",
        "model owner",
        "propose the challenger for promotion, or say why not",
    )
