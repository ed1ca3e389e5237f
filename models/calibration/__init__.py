"""From margins to probabilities, strictly monotone, and what similar past examinations found.

Both are fitted on a later slice of time than the trees, so that they see what the model does on
movements it has not learned from. They hold for movements like those examined in the past.
"""

from models.calibration.beta import Beta, fit_beta
from models.calibration.choice import (
    FEWEST_OF_A_CLASS,
    FITTERS,
    Calibration,
    CalibrationChoice,
    choose_calibration,
    log_losses,
)
from models.calibration.isotonic import Isotonic, fit_isotonic
from models.calibration.platt import LEAST_SLOPE, Platt, fit_platt
from models.calibration.similar import SimilarExaminations, interval_around, similar_examinations

__all__ = [
    "FEWEST_OF_A_CLASS",
    "FITTERS",
    "LEAST_SLOPE",
    "Beta",
    "Calibration",
    "CalibrationChoice",
    "Isotonic",
    "Platt",
    "SimilarExaminations",
    "choose_calibration",
    "fit_beta",
    "fit_isotonic",
    "fit_platt",
    "interval_around",
    "log_losses",
    "similar_examinations",
]
