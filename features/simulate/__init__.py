"""The simulated border: movements, examinations and outcomes with a truth that is known apart.

See docs/simulated-border.md for every mechanism and parameter.
"""

from features.simulate.arena import Arena, NoMoreWeeks, Week
from features.simulate.parameters import SCENARIOS
from features.simulate.reference import CAPACITY_SHARE, SteadyRoom, reference_run
from features.simulate.run import Counts, SimulationReport, simulate
from features.simulate.tally import Tally, WeekTally

__all__ = [
    "CAPACITY_SHARE",
    "SCENARIOS",
    "Arena",
    "Counts",
    "NoMoreWeeks",
    "SimulationReport",
    "SteadyRoom",
    "Tally",
    "Week",
    "WeekTally",
    "reference_run",
    "simulate",
]
