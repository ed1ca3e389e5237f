"""The reliability of each kind against the simulated truth, as a picture."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib
import pandas as pd

from models.metrics import CalibrationBin, calibration_bins, calibration_error

matplotlib.use("Agg")
from matplotlib import pyplot as plt

LEAST_SHOWN = 0.0004
"""Both axes are logarithmic: most movements are far below 0.1. What is lower lies on the edge."""


def draw(tests: Mapping[str, pd.DataFrame], path: Path) -> None:
    """``tests``: by kind, predicted, true and found of every examined movement of a test slice."""
    figure, axes = plt.subplots(1, len(tests), figsize=(5.4 * len(tests), 5.6), squeeze=False)
    for plot, (kind, test) in zip(axes[0], tests.items(), strict=True):
        predicted = test["predicted"].to_numpy()
        outcomes = calibration_bins(predicted, test["found"].to_numpy())
        truth = calibration_bins(predicted, test["true"].to_numpy())
        ends = [LEAST_SHOWN, 0.7]
        plot.plot(ends, ends, color="0.7", linewidth=1, label="perfect")
        plot.plot(*_points(truth), "o-", color="tab:blue", label="true probability")
        plot.plot(*_points(outcomes), "x", color="tab:orange", label="found (outcomes)")
        error = calibration_error(predicted, test["true"].to_numpy())
        plot.set_title(f"{kind}: error against truth {error:.4f}", fontsize=10)
        plot.set_xlabel("mean predicted probability of a find")
        plot.set_xscale("log")
        plot.set_yscale("log")
        plot.set_xlim(*ends)
        plot.set_ylim(*ends)
        plot.set_aspect("equal")
    axes[0, 0].set_ylabel("mean of the examined movements in the bin")
    axes[0, 0].legend(frameon=False, fontsize=8)
    figure.suptitle("Simulated, stationary: ten bins of equal counts", fontsize=11)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _points(bins: list[CalibrationBin]) -> tuple[list[float], list[float]]:
    observed = [max(item.observed, LEAST_SHOWN) for item in bins]
    return [max(item.predicted, LEAST_SHOWN) for item in bins], observed
