"""Whether groups are treated alike: how often they are referred, and what referrals of them find.

The groups are of things that move and of organisations, never of persons (``models.groups``). Two
tests stand side by side, because either alone misleads:

- the *outcome test*: referrals of a group find as often as referrals of the others. Find rates of
  groups differ also where everybody is held to one standard, when one group has more cases that
  are plain (infra-marginality); and can be equal where standards differ.
- the *score test*: per find that its scores promise, the group has as many as the others. It does
  not suffer from that, but from what officers see beyond the score.

References:
    Becker, G. S. (1957), "The Economics of Discrimination": the outcome test.
    Simoiu, C., Corbett-Davies, S. and Goel, S. (2017), "The problem of infra-marginality in outcome
    tests for discrimination", Annals of Applied Statistics 11(3).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.ledger import MovementDeclared
from models.baselines import Rows
from models.groups import GROUPINGS, MOST_GROUPS, OTHERS
from monitoring.statistics.chance import ByChance, false_discovery, rates_alike, shares_alike
from monitoring.statistics.disclosure import kept_back
from monitoring.statistics.rates import counts_shown, rate_columns

FEWEST_EXPECTED = 5.0
"""Finds that the scores promise in a group, and in the others, before they are held together."""

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


class Membership(NamedTuple):
    """Which group each movement is in, by one attribute."""

    by: str
    names: tuple[str, ...]
    """The largest first; beyond twelve they are one, ``all others``."""
    code: NDArray[np.intp]
    """intp[n], into ``names``."""


def memberships(
    kind: str,
    movements: Sequence[MovementDeclared],
    rows: NDArray[np.float64],
    columns: Sequence[str],
) -> tuple[Membership, ...]:
    """By every attribute of ``models.groups.GROUPINGS`` that these columns can tell.

    Args:
        rows: float64[n, F], features as of each movement.
        columns: their names.
    """
    found = []
    for grouping in GROUPINGS[kind]:
        try:
            names = grouping.names(Rows(movements, rows), columns)
        except ValueError:  # a catalogue without that feature cannot tell such groups
            continue
        found.append(membership(grouping.by, names))
    return tuple(found)


def membership(by: str, names: Sequence[str]) -> Membership:
    code, found = pd.factorize(np.asarray(names, dtype=object))
    counts = np.bincount(code, minlength=len(found))
    order = sorted(range(len(found)), key=lambda at: (-counts[at], found[at]))
    listed = [str(found[at]) for at in order]
    rank = np.empty(len(order), np.intp)
    rank[order] = np.arange(len(order))
    if len(listed) > MOST_GROUPS:
        listed = [*listed[: MOST_GROUPS - 1], OTHERS]
    return Membership(by, tuple(listed), np.minimum(rank, len(listed) - 1)[code])


def group_table(
    groups: Sequence[Membership],
    referred: Bools,
    probabilities: NDArray[np.float64],
    labels: NDArray[np.float64],
) -> pd.DataFrame:
    """One row a group; what could point to few cases is NaN (``monitoring.statistics.disclosure``).

    Args:
        referred: bool[n], singled out by the model.
        probabilities: float64[n], NaN where not assessed.
        labels: float64[n]: 1.0 found, 0.0 nothing found, NaN neither.

    Returns:
        Columns: ``by``, ``group``, ``movements``, ``referral_rate``; of all examined: ``examined``,
        ``finds``, ``find_rate``, ``expected`` (finds their scores promise), ``score_test``,
        ``score_higher`` (bool: more finds per promised one than the others); of referrals with a
        result: ``results``, ``referred_find_rate``, ``false_referral_rate``, ``elsewhere`` (find
        rate of the other groups' referrals), ``outcome_test``. Rates have intervals. The tests are
        p-values, two-sided, adjusted over all groups (Benjamini and Hochberg).
    """
    examined = ~np.isnan(labels)
    scored = examined & ~np.isnan(probabilities)
    on_referral = examined & referred
    found = np.where(examined, labels, 0.0)

    def per_group(values: NDArray[np.float64] | Bools) -> NDArray[np.float64]:
        sums = [np.bincount(g.code, values, len(g.names)) for g in groups]
        return np.concatenate(sums) if sums else np.zeros(0)

    movements = per_group(np.ones(len(referred)))
    looked, finds = per_group(examined), per_group(found)
    results, hits = per_group(on_referral), per_group(found * on_referral)
    expected = per_group(np.where(scored, probabilities, 0.0))
    scored_finds = per_group(found * scored)
    table = np.repeat(np.arange(len(groups)), [len(g.names) for g in groups])
    inside = _inside(groups)
    few = kept_back(movements, table, inside)
    few_examined = kept_back(looked, table, inside, few) | (looked == 0)
    few_results = kept_back(results, table, inside, few) | (results == 0)
    elsewhere = _others(table, hits, results)
    outcome = shares_alike(hits, results, *elsewhere)
    promised = _score_test(table, scored_finds, expected)
    return pd.DataFrame(
        {
            "by": np.repeat([g.by for g in groups], [len(g.names) for g in groups]),
            "group": [name for g in groups for name in g.names],
            "movements": counts_shown(movements, few),
            **rate_columns("referral_rate", per_group(referred), movements, few),
            "examined": counts_shown(looked, few_examined & (few | (looked > 0))),
            "finds": counts_shown(finds, few_examined),
            **rate_columns("find_rate", finds, looked, few_examined),
            "expected": np.where(few_examined, np.nan, expected),
            "score_higher": promised.higher < promised.lower,
            "score_test": false_discovery(np.where(few_examined, np.nan, promised.either)),
            "results": counts_shown(results, few_results & (few | (results > 0))),
            **rate_columns("referred_find_rate", hits, results, few_results),
            **rate_columns("false_referral_rate", results - hits, results, few_results),
            "elsewhere": rate_columns("of", elsewhere[0], elsewhere[1], few_results)["of"],
            "outcome_test": false_discovery(np.where(few_results, np.nan, outcome.either)),
        }
    )


def _score_test(table: Ints, finds: NDArray[np.float64], expected: NDArray[np.float64]) -> ByChance:
    other, other_expected = _others(table, finds, expected)
    tests = rates_alike(finds, expected, other, other_expected)
    enough = np.minimum(expected, other_expected) >= FEWEST_EXPECTED
    return ByChance(*(np.where(enough, tail, np.nan) for tail in tests))


def _others(table: Ints, *counts: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Of each group, what all other groups of its table have together."""
    return tuple(np.bincount(table, count)[table] - count for count in counts)


def _inside(groups: Sequence[Membership]) -> Bools:
    """bool[m, m], [a, b]: all movements of group b are in group a of another table."""
    blocks = [[_all_in(one, other) for other in groups] for one in groups]
    return np.block(blocks).astype(bool) if blocks else np.zeros((0, 0), bool)


def _all_in(one: Membership, other: Membership) -> Bools:
    width = len(other.names)
    if one is other:
        return np.zeros((width, width), bool)
    both = np.bincount(one.code * width + other.code, minlength=len(one.names) * width)
    crossed = both.reshape(len(one.names), width)
    all_in: Bools = crossed == crossed.sum(axis=0)
    return all_in
