"""Everything the board page says about one kind in one period, as numbers."""

from typing import NamedTuple

import pandas as pd

from features.clock import Micros
from models.bundle import Bundle
from models.pins import Pin
from monitoring.alerts.log import Alert
from monitoring.annex_jobs import AnnexResult
from monitoring.over_time import OverTime
from monitoring.performance import LabelLag
from monitoring.reviews import Review
from monitoring.scored import Scored
from monitoring.statistics.decisions import DecisionFindings
from monitoring.statistics.exploration import ExplorationFindings
from monitoring.statistics.feeds import Feeds
from monitoring.statistics.incidents import Stop
from monitoring.statistics.places import Places
from monitoring.statistics.serving_changes import Change

REFERENCE_DAYS = 90
"""Annex and data quality compare the period with the movements of so many days before it."""


class Approval(NamedTuple):
    approver: str
    approved_at: Micros
    authenticated: bool = False
    """Signed with the key that the settings name for the approver; else attributed only."""


class Served(NamedTuple):
    """The model that serves now: its pin, its bundle, and who approved it when."""

    pin: Pin
    bundle: Bundle
    approvals: tuple[Approval, ...]


class KindFindings(NamedTuple):
    """Frames as the functions of ``performance``, ``drift``, ``quality`` and ``statistics`` return
    them."""

    kind: str
    served: Served | None
    scored: Scored
    volumes: pd.DataFrame
    rates: pd.DataFrame
    top: pd.DataFrame
    """Precision at capacity, the model beside baselines."""
    outcomes: pd.DataFrame
    lag: LabelLag
    drift: pd.DataFrame | None
    """None without a model or without movements."""
    missing: pd.DataFrame
    checks: pd.DataFrame
    annex: AnnexResult | None
    feeds: Feeds | None = None
    """None without movements."""
    decisions: DecisionFindings | None = None
    """None when decisions were not gathered."""
    exploration: ExplorationFindings | None = None
    """None when choices were not gathered."""
    groups: pd.DataFrame | None = None
    """As from ``statistics.groups.group_table``; None without a model or without movements."""
    trends: pd.DataFrame | None = None
    """As from ``statistics.trends.trends``, the period beside the days before; None where they
    were not gathered."""
    over_time: OverTime | None = None
    """How the model does over the months; None without movements."""
    places: Places | None = None
    """Finds where intelligence led, by place; None where they were not gathered."""
    trends_of_late: pd.DataFrame | None = None
    """As ``trends``, of a longer stretch to the end of the period."""

    @property
    def movements(self) -> int:
        return len(self.scored.frame)

    def in_band(self, band: str) -> int:
        """Movements of the period in ``band``."""
        return int((self.scored.frame["band"] == band).sum())

    @property
    def simulated(self) -> bool:
        """True when any movement of the period, or the model, comes from a simulation."""
        of_model = self.served is not None and self.served.bundle.manifest.simulated
        return bool(of_model or self.scored.frame["simulated"].any())


class Verification(NamedTuple):
    """The last time that somebody verified the whole audit log."""

    at: Micros
    records: int
    pending: int
    """Records that no exported head covered yet."""
    findings: int
    """0 when everything held."""


class OfTheService(NamedTuple):
    """Everything the page says about the service as a whole, as numbers.

    Frames as the functions of ``statistics.use`` and ``statistics.incidents`` return them.
    """

    changes: tuple[Change, ...]
    """All that ever were, in order, later ones than the period too."""
    calls: pd.DataFrame
    scopes: pd.DataFrame
    """Documented use beside deployed use, a row a client."""
    actions: pd.DataFrame
    stops: tuple[Stop, ...]
    """All that ever were."""
    days: pd.DataFrame
    reasons: pd.DataFrame
    corrections: pd.DataFrame
    finds_reported: int
    """Positive outcomes that became known in the period, corrected since or not."""
    verified: Verification | None
    reviews: tuple[Review, ...]
    alerts: tuple[Alert, ...]
    """All that ever were raised, in order."""
    league: pd.DataFrame | None = None
    """As from ``statistics.league.league``; None where it was not gathered."""
