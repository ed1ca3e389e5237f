"""The simulated border: movements, examinations and outcomes with a truth that is known apart.

See docs/simulated-border.md for every mechanism and parameter. Other packages import from here
alone: the modules behind this one hold the truth.
"""

from features.simulate.arena import Arena, NoMoreWeeks, Week
from features.simulate.parameters import SCENARIOS
from features.simulate.reference import (
    CAPACITY_SHARE,
    SELECTORS,
    Room,
    Selector,
    SteadyRoom,
    reference_run,
)
from features.simulate.regime import REASONS, Selection
from features.simulate.run import Counts, SimulationReport, simulate
from features.simulate.tally import Tally, WeekTally

__all__ = [
    "CAPACITY_SHARE",
    "REASONS",
    "SCENARIOS",
    "SELECTORS",
    "Arena",
    "Counts",
    "NoMoreWeeks",
    "Room",
    "Selection",
    "Selector",
    "SimulationReport",
    "SteadyRoom",
    "Tally",
    "Week",
    "WeekTally",
    "reference_run",
    "simulate",
]
