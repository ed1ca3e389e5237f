"""What reaches the agency of what was examined, where sites cannot be trusted or feeds fail."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa

from features.simulate.codes import Bools, Floats, Ints
from features.simulate.outcomes import NEGATIVE, NEVER, POSITIVE, Examined
from features.simulate.parameters import FeedGapParameters, PoisonParameters
from features.simulate.sites import SITES
from features.simulate.traffic import Traffic
from features.simulate.world import HONEST, NOBODY


def poisoned(
    examined: Examined,
    parameters: PoisonParameters,
    *,
    kind: str,
    site: Ints,
    day: Ints,
    network: Ints,
    honesty: Floats,
) -> Examined:
    """Finds that a site lets go, reported as nothing found; the arrays are of all movements."""
    at = examined.at
    for_sale = _at_sites(kind, site[at], parameters.corrupt_sites) & (network[at] != HONEST)
    unlooked = _at_sites(kind, site[at], parameters.lazy_sites)
    hidden = (examined.result == POSITIVE) & (day[at] >= parameters.from_day)
    hidden &= (for_sale | unlooked) & (honesty[at] < parameters.hidden_share)
    return replace(
        examined,
        result=np.where(hidden, NEGATIVE, examined.result),
        threat=np.where(hidden, NOBODY, examined.threat),
        concealment=np.where(hidden, NOBODY, examined.concealment),
        reversed_at=np.where(hidden, NEVER, examined.reversed_at),
    )


def reported(
    examined: Examined, parameters: FeedGapParameters, *, kind: str, site: Ints, day: Ints
) -> Examined:
    """Without those whose outcome never arrives; ``site`` and ``day`` are of all movements."""
    at = examined.at
    during = (parameters.silent_from_day <= day[at]) & (day[at] < parameters.silent_until_day)
    silent = during & _at_sites(kind, site[at], parameters.silent_sites)
    return examined.only(~silent)


def blank_failed_feeds(traffic: Traffic, parameters: FeedGapParameters, day: int) -> None:
    """Change the traffic of a block that begins that day: the fields, and what a rule sees."""
    for gap in parameters.gaps:
        if gap.kind == traffic.kind and gap.from_day <= day < gap.until_day:
            n = traffic.lane.size
            for name in gap.columns:
                traffic.columns[name] = pa.nulls(n, traffic.columns[name].type)
            for name in gap.signs:
                traffic.facts[name] = np.zeros(n)


def _at_sites(kind: str, site: Ints, named: Mapping[str, tuple[str, ...]]) -> Bools:
    numbers = [SITES[kind].index(name) for name in named.get(kind, ())]
    there: Bools = np.isin(site, numbers)
    return there
