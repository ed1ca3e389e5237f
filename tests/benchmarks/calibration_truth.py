"""What the simulated border knows of each movement: the true probability of a find, if examined.

``truth/`` holds the chance that a movement carries something. What an examination then finds
depends on how deep it goes, and on who was selected: a tip comes more often when there is
something, so that a movement that was examined for a tip carries more often than its chance says,
and one that was examined without a tip a little less often.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.simulate.networks import THREATS
from features.simulate.parameters import FULL_SENSITIVITY, RegimeParameters
from features.simulate.sensitivity import SENSITIVITY_TABLE, THOROUGHNESS

Floats = NDArray[np.float64]
HONEST = -1


class Truth(NamedTuple):
    """By movement reference."""

    chance: pd.Series
    """float64, that it carries something."""
    network: pd.Series
    """int64, ``HONEST`` for none."""
    sensitivity: pd.DataFrame
    """float64[network, thoroughness], mean over the threats of what its movements carry."""


def read_truth(border: Path, kind: str) -> Truth:
    table = pd.read_parquet(border / "truth" / f"{kind}-truth.parquet").set_index("movement_ref")
    network = table["network"].fillna(HONEST).astype(np.int64)
    carries = table["threat"].notna()
    threats = table.loc[carries, "threat"].map(THREATS.index).to_numpy()
    found = pd.DataFrame(SENSITIVITY_TABLE[threats], columns=list(THOROUGHNESS))
    return Truth(
        chance=table["probability_of_find"] / FULL_SENSITIVITY,
        network=network,
        sensitivity=found.groupby(network[carries].to_numpy()).mean(),
    )


def if_examined_as_it_was(truth: Truth, examinations: pd.DataFrame) -> Floats:
    """float64[n], of a find that stands: selected for its reason, as thoroughly as it was.

    Args:
        examinations: movement_ref, selection_reason, thoroughness.
    """
    regime = RegimeParameters()
    refs = examinations["movement_ref"]
    chance = truth.chance.loc[refs].to_numpy()
    of_network = truth.network.loc[refs].to_numpy() != HONEST
    told_of_run = np.where(of_network, regime.tip_share_network_run, regime.tip_share_other_run)
    told_of_clean = np.where(of_network, regime.tip_share_network_clean, regime.tip_share_honest)
    tipped = _posterior(chance, told_of_run, told_of_clean)
    not_tipped = _posterior(chance, 1.0 - told_of_run, 1.0 - told_of_clean)
    reason = examinations["selection_reason"].to_numpy()
    carries = np.select(
        [reason == "intelligence", reason == "random"], [tipped, chance], not_tipped
    )
    places = [THOROUGHNESS.index(name) for name in examinations["thoroughness"]]
    sensitivity = _sensitivity(truth, refs)[np.arange(len(refs)), places]
    return np.asarray(carries * sensitivity * (1.0 - regime.appeal_share), dtype=np.float64)


def _posterior(chance: Floats, if_carrying: Floats, if_clean: Floats) -> Floats:
    carrying = chance * if_carrying
    return carrying / (carrying + (1.0 - chance) * if_clean)


def _sensitivity(truth: Truth, refs: pd.Series) -> Floats:
    """float64[n, 4]; of a network that never carried anything, as of the honest."""
    table = truth.sensitivity.reindex(truth.network.loc[refs].to_numpy())
    return table.fillna(truth.sensitivity.loc[HONEST]).to_numpy()
