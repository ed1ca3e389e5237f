"""The simulated border: movements, examinations and outcomes with a truth that is known apart.

See docs/simulated-border.md for every mechanism and parameter.
"""

from features.simulate.parameters import SCENARIOS
from features.simulate.run import Counts, SimulationReport, simulate

__all__ = ["SCENARIOS", "Counts", "SimulationReport", "simulate"]
