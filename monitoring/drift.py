"""Population stability index of scores and features on full data, against the bundle's reference.

PSI = Σ (a_b − e_b) · ln(a_b / e_b) over bins b, with e the reference's shares and a the period's.
Bins are the reference's own quantiles; missing values have a bin of their own, so that a feed that
stops sending a field shows.

References:
    Yurdakul, B. and Naranjo, J. (2020), "Statistical properties of the population stability
    index", Journal of Risk Model Validation 14(4): without any change PSI / (1/n + 1/m) follows a
    chi-squared distribution with (bins − 1) degrees of freedom, n and m the two sample sizes.
"""

import math
import re
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2

from features.catalogue import Feature
from models.bundle import Bundle
from models.reference import Distribution
from models.stability import psi

SOME_FROM, LARGE_FROM = 0.1, 0.25
"""Rule of thumb of credit scoring: below 0.1 little, from 0.25 much has changed."""
BOUNDS = ((SOME_FROM, "some"), (LARGE_FROM, "large"))
MOST_FEATURES = 10
BY_CHANCE = 0.95

Change = Literal["little", "some", "large"]


def drift_table(
    bundle: Bundle, probabilities: NDArray[np.float64], rows: NDArray[np.float64]
) -> pd.DataFrame:
    """PSI of the score and of the :data:`MOST_FEATURES` features the model leans on most.

    Args:
        probabilities: float64[n], NaN where a movement was not assessed.
        rows: float64[n, F] in the catalogue's order.

    Returns:
        One row for the score, then one per feature, by falling gain. Columns: ``name``, ``what``
        (in words), ``source`` (score, declared or history), ``psi`` (NaN when nothing can be
        compared), ``by_chance`` (95 % of values with no change lie below it), ``change``,
        ``movements``, ``reference`` (rows behind it).
    """
    places = [bundle.catalogue.names.index(name) for name in most_useful(bundle, MOST_FEATURES)]
    features = bundle.catalogue.features
    score = {"name": "score", "what": "score", "source": "score"}
    table = [{**score, **_compared(bundle.reference.score, probabilities)}]
    for place in places:
        feature = features[place]
        named = {"name": feature.name, "what": short_name(feature), "source": feature.source}
        table.append({**named, **_compared(bundle.reference.features[place], rows[:, place])})
    return pd.DataFrame(table)


def most_useful(bundle: Bundle, limit: int) -> tuple[str, ...]:
    """Names of the features with the largest gain in training, at most ``limit``, none unused."""
    gains = bundle.gains()
    order = np.argsort(-gains, kind="stable")[:limit]
    return tuple(bundle.catalogue.names[place] for place in order if gains[place] > 0)


def short_name(feature: Feature) -> str:
    """What a chart has room for; the catalogue's description says it in full.

    >>> from features.catalogue import catalogue_for
    >>> features = {feature.name: feature for feature in catalogue_for("vehicle").features}
    >>> short_name(features["haulier.finds_30d"]), short_name(features["gross_mass_kg"])
    ('haulier: finds, half-life 30 days', 'gross mass as declared')
    """
    _, dot, statistic = feature.name.partition(".")
    if feature.source == "declared" or not dot:
        return feature.description.partition(";")[0]
    words = re.sub(r"_([0-9]+)d$", r", half-life \1 days", statistic)
    return f"{feature.group}: {words.replace('_', ' ')}"


def change_in_words(value: float, by_chance: float) -> Change | None:
    """None when there was nothing to compare.

    >>> change_in_words(0.12, 0.01), change_in_words(0.3, 0.01), change_in_words(0.3, 0.4)
    ('some', 'large', 'little')
    """
    if math.isnan(value):
        return None
    if value < SOME_FROM or value <= by_chance:
        return "little"
    return "large" if value >= LARGE_FROM else "some"


def chance_bound(
    expected: NDArray[np.int64], actual: NDArray[np.int64], share: float = BY_CHANCE
) -> float:
    """PSI that no change at all stays below in 95 % of periods of this size; NaN without rows.

    Args:
        expected, actual: int64[bins], counts of the reference and of the period.
        share: of the periods, in place of 95 %.
    """
    bins = int(np.count_nonzero(expected + actual))
    if not expected.sum() or not actual.sum():
        return math.nan
    scale = 1 / float(actual.sum()) + 1 / float(expected.sum())
    return float(chi2.ppf(share, df=bins - 1)) * scale if bins > 1 else 0.0


def _compared(reference: Distribution, values: NDArray[np.float64]) -> dict[str, object]:
    expected = np.array(reference.counts, dtype=np.int64)
    actual = reference.count(values)
    chance = chance_bound(expected, actual)
    value = math.nan if math.isnan(chance) else psi(expected, actual)
    return {
        "psi": value,
        "by_chance": chance,
        "change": change_in_words(value, chance),
        "movements": int(actual.sum()),
        "reference": int(expected.sum()),
    }
