"""Who works at the sites: officers who differ, and sites that differ in hours and in depth."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from features.simulate.codes import Floats, Ints
from features.simulate.parameters import RegimeParameters
from features.simulate.sites import SITES
from features.simulate.traffic import MICROS_PER_HOUR

SHIFT_HOURS = 8


@dataclass(frozen=True)
class Staff:
    """Of all sites of one kind."""

    strictness_points: Floats
    """float64[sites, officers], added to what the officer thinks of a movement."""
    noise_points: Floats
    """float64[sites, officers], standard deviation of the officer's judgement."""
    capacity_factor: Floats
    """float64[sites], on the usual examinations of the planned movements; mean 1 over sites."""
    depth_exponent: Floats
    """float64[sites], on the even draw that decides how deep to go; below 1 goes deeper."""

    def on_duty(self, arrives_at: Ints) -> Ints:
        """int64[n]: the officers take turns by shifts of eight hours, UTC."""
        shift = arrives_at // (SHIFT_HOURS * MICROS_PER_HOUR)
        officer: Ints = shift % self.strictness_points.shape[1]
        return officer


def hire(rng: np.random.Generator, parameters: RegimeParameters) -> Mapping[str, Staff]:
    return {kind: _staff(rng, len(sites), parameters) for kind, sites in SITES.items()}


def _staff(rng: np.random.Generator, sites: int, parameters: RegimeParameters) -> Staff:
    roster = (sites, parameters.officers_per_site)
    factor = rng.lognormal(0.0, parameters.site_capacity_log_spread, sites)
    noise = rng.lognormal(0.0, parameters.officer_noise_log_spread, roster)
    return Staff(
        strictness_points=rng.normal(0.0, parameters.officer_strictness_points, roster),
        noise_points=parameters.officer_noise_points * noise,
        capacity_factor=factor / factor.mean(),
        depth_exponent=rng.lognormal(0.0, parameters.site_depth_log_spread, sites),
    )
